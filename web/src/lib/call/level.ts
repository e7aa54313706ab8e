// How loud a microphone is, for the bar under "Say hello" and for "You're muted".

export interface LevelMeter {
	stop(): void;
}

let shared: AudioContext | null = null;

/** Loudness from 0 to 1 out of one window of samples in -1..1; speech at arm's length lands near the middle. */
export function loudness(samples: Float32Array): number {
	let sum = 0;
	for (const sample of samples) sum += sample * sample;
	const rms = Math.sqrt(sum / Math.max(1, samples.length));
	if (rms < 0.0008) return 0;
	const decibels = 20 * Math.log10(rms);
	return Math.min(1, Math.max(0, (decibels + 60) / 50));
}

/** Measures a track about 12 times a second. The track itself is left alone. */
export function meter(track: MediaStreamTrack, onLevel: (level: number) => void): LevelMeter {
	if (typeof AudioContext === 'undefined') return { stop() {} };
	shared ??= new AudioContext();
	const context = shared;
	// Before the first press on the page the context sleeps; a press anywhere wakes it.
	const wake = () => void context.resume().catch(() => undefined);
	if (context.state !== 'running') {
		wake();
		window.addEventListener('pointerdown', wake, { once: true });
	}
	const source = context.createMediaStreamSource(new MediaStream([track]));
	const analyser = context.createAnalyser();
	analyser.fftSize = 1024;
	source.connect(analyser);
	const samples = new Float32Array(analyser.fftSize);
	const timer = setInterval(() => {
		analyser.getFloatTimeDomainData(samples);
		onLevel(loudness(samples));
	}, 80);
	return {
		stop() {
			clearInterval(timer);
			window.removeEventListener('pointerdown', wake);
			source.disconnect();
		},
	};
}
