// Shows what the clinic tells this browser, also while no page of ours is open. The text comes encrypted for this
// browser alone, and says nothing about health. It keeps and fetches nothing.
'use strict';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

function read(event) {
	try {
		return event.data ? event.data.json() : {};
	} catch {
		return {};
	}
}

/** A page of this origin; anything else is the front page. */
function pageOf(url) {
	try {
		const page = new URL(url, self.location.origin);
		return page.origin === self.location.origin ? page.href : `${self.location.origin}/`;
	} catch {
		return `${self.location.origin}/`;
	}
}

self.addEventListener('push', (event) => {
	const { title, body, url, tag } = read(event);
	// Browsers want every push to be seen; one that cannot be read still leads to the clinic.
	event.waitUntil(
		self.registration.showNotification(title || 'Bedside', {
			body: body || '',
			...(tag ? { tag, renotify: true } : {}),
			icon: '/favicon.svg',
			data: { url: pageOf(url || '/') },
		}),
	);
});

self.addEventListener('notificationclick', (event) => {
	event.notification.close();
	const url = pageOf(event.notification.data && event.notification.data.url);
	event.waitUntil(
		self.clients.matchAll({ type: 'window', includeUncontrolled: true }).then((windows) => {
			// The page may stand open already: a second one would take the call away from it.
			const same = windows.find((one) => new URL(one.url).pathname === new URL(url).pathname);
			return same ? same.focus() : self.clients.openWindow(url);
		}),
	);
});
