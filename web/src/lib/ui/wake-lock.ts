// Keeps the screen on while a person waits or is in a call. Where the browser cannot, nothing is lost but a dark screen.

export function keepAwake(): () => void {
	let lock: WakeLockSentinel | null = null;
	let released = false;

	async function take() {
		if (released || document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
		try {
			lock = await navigator.wakeLock.request('screen');
			if (released) await lock.release();
		} catch {
			// A low battery or a browser's rule says no.
			lock = null;
		}
	}

	document.addEventListener('visibilitychange', take);
	void take();
	return () => {
		released = true;
		document.removeEventListener('visibilitychange', take);
		void lock?.release().catch(() => undefined);
	};
}
