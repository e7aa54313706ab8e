// What the page knows about the frame it stands in. The demo's stage shows two real pages side by side in frames of
// the same origin and decides which of them may sound; everywhere else this is inert.
//
// The stage names its frames `bedside-stage`, with words after it: `muted` starts silent, `demo-camera` offers the
// drawn camera. A name survives every navigation and reload inside the frame. Later words come by message:
// `{ type: 'bedside:output', muted: boolean }` or `{ type: 'bedside:demo-camera', on: boolean }`, same origin only.

type Listener = () => void;

class FrameFlags {
	staged = false;
	outputMuted = false;
	demoCamera = false;
	#listeners = new Set<Listener>();

	constructor() {
		if (typeof window === 'undefined' || window.parent === window) return;
		const words = window.name.split(' ');
		if (words[0] !== 'bedside-stage' || !sameOrigin()) return;
		this.staged = true;
		this.outputMuted = words.includes('muted');
		this.demoCamera = words.includes('demo-camera');
		window.addEventListener('message', (event) => {
			if (event.origin !== window.location.origin || event.source !== window.parent) return;
			const data: unknown = event.data;
			if (typeof data !== 'object' || data === null) return;
			const message = data as { type?: unknown; muted?: unknown; on?: unknown };
			if (message.type === 'bedside:output') this.outputMuted = message.muted === true;
			else if (message.type === 'bedside:demo-camera') this.demoCamera = message.on === true;
			else return;
			for (const listener of this.#listeners) listener();
		});
	}

	/** Calls back after each change; returns the way to stop. */
	subscribe(listener: Listener): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}
}

function sameOrigin(): boolean {
	try {
		return window.parent.location.origin === window.location.origin;
	} catch {
		return false;
	}
}

export const frame = new FrameFlags();
