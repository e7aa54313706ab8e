/** A soft voice made of two tones and a syllable rhythm: the microphone of the demo camera. */

/** Pitches in Hz, so that the two people sound different. */
const PITCH = { patient: 210, provider: 128 } as const;

export interface Voice {
	track: MediaStreamTrack;
	/** How loud the voice is right now, 0 to 1. */
	loudness: () => number;
	/** Ends the tones; the track's owner ends the track. */
	stop: () => void;
}

/** Loudness of the voice at `seconds`: syllables of uneven length, words, and a breath every few seconds. */
export function syllable(seconds: number): number {
	const phrase = seconds % 5;
	if (phrase > 3.6) return 0;
	const beat = Math.sin(seconds * 2 * Math.PI * 3.1) * 0.5 + 0.5;
	const colour = Math.sin(seconds * 2 * Math.PI * 0.83) * 0.3 + 0.7;
	return Math.max(0, beat * colour - 0.12);
}

/** Starts the voice. The browser may hold it back until the person has clicked somewhere; then it starts itself. */
export function startVoice(who: keyof typeof PITCH): Voice {
	const audio = new AudioContext();
	const out = audio.createMediaStreamDestination();
	const loud = audio.createGain();
	loud.gain.value = 0;
	const vowel = audio.createBiquadFilter();
	vowel.type = 'bandpass';
	vowel.frequency.value = 640;
	vowel.Q.value = 0.9;
	const tones = [1, 2.01].map((factor) => {
		const tone = audio.createOscillator();
		tone.type = factor === 1 ? 'triangle' : 'sine';
		tone.frequency.value = PITCH[who] * factor;
		tone.connect(vowel);
		tone.start();
		return tone;
	});
	vowel.connect(loud);
	loud.connect(out);

	let level = 0;
	const timer = setInterval(() => {
		level = syllable(audio.currentTime);
		loud.gain.setTargetAtTime(level * 0.35, audio.currentTime, 0.03);
		vowel.frequency.setTargetAtTime(520 + level * 420, audio.currentTime, 0.05);
	}, 40);
	const wake = () => void audio.resume();
	const wakers = ['pointerdown', 'keydown'] as const;
	for (const name of wakers) addEventListener(name, wake);
	wake();

	const [track] = out.stream.getAudioTracks();
	if (!track) throw new Error('The browser gave the demo voice no track.');
	return {
		track,
		loudness: () => level,
		stop: () => {
			clearInterval(timer);
			for (const name of wakers) removeEventListener(name, wake);
			for (const tone of tones) tone.stop();
			void audio.close();
		},
	};
}
