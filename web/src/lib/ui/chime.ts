// Short notes made by WebAudio: no sound file, no other host. Sound may be blocked until the person has touched the page.
import { frame } from './frame.ts';

let context: AudioContext | null = null;

function audio(): AudioContext | null {
	if (typeof AudioContext === 'undefined') return null;
	context ??= new AudioContext();
	return context;
}

/** Call from a press: afterwards this page may sound. */
export function unlockSound(): void {
	const ready = audio();
	if (ready?.state === 'suspended') void ready.resume().catch(() => undefined);
}

/** Whether a note would be heard now. */
export function soundAllowed(): boolean {
	return context !== null && context.state === 'running';
}

/** Plays notes of `pitches` Hz one after the other; resolves false where sound is blocked or muted. */
export async function notes(pitches: readonly number[], gap = 0.22, loudness = 0.18): Promise<boolean> {
	if (frame.outputMuted) return false;
	// A browser that wants a press first would only complain.
	if (context === null && untouched()) return false;
	const ready = audio();
	if (!ready) return false;
	// `resume` may stay pending for ever without a gesture: never wait for it.
	if (ready.state !== 'running') {
		void ready.resume().catch(() => undefined);
		await Promise.resolve();
		if ((ready.state as AudioContextState) !== 'running') return false;
	}
	pitches.forEach((pitch, index) => {
		const start = ready.currentTime + index * gap;
		const voice = ready.createOscillator();
		const envelope = ready.createGain();
		voice.type = 'sine';
		voice.frequency.value = pitch;
		envelope.gain.setValueAtTime(0, start);
		envelope.gain.linearRampToValueAtTime(loudness, start + 0.02);
		envelope.gain.exponentialRampToValueAtTime(0.0001, start + 0.9);
		voice.connect(envelope).connect(ready.destination);
		voice.start(start);
		voice.stop(start + 1);
	});
	return true;
}

/** Nobody has pressed anything on this page yet; false where the browser does not tell. */
export function untouched(): boolean {
	return navigator.userActivation?.hasBeenActive === false;
}

/** "The provider is ready": three rising notes. */
export function chime(): Promise<boolean> {
	return notes([523.25, 659.25, 783.99]);
}
