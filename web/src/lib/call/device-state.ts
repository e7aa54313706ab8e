// The states of a camera or microphone, and what the browser's errors mean for them. Pure.

export type DeviceKind = 'microphone' | 'camera';

export type DeviceState =
	/** Not asked for yet. */
	| 'unknown'
	/** The browser shows its question. */
	| 'asking'
	| 'on'
	/** Off because the person turned it off. */
	| 'off'
	/** The person, or a setting, said no. */
	| 'blocked'
	| 'missing'
	/** Another program holds it. */
	| 'busy'
	/** Unplugged or taken away in the middle. */
	| 'lost'
	/** This page may not use devices at all: no secure context, or a browser inside an app. */
	| 'impossible';

/** What an error of `getUserMedia` means. Old names are still thrown by some phones. */
export function stateOfError(name: string): DeviceState {
	switch (name) {
		case 'NotAllowedError':
		case 'PermissionDeniedError':
		case 'SecurityError':
			return 'blocked';
		case 'NotFoundError':
		case 'DevicesNotFoundError':
		case 'OverconstrainedError':
		case 'ConstraintNotSatisfiedError':
			return 'missing';
		case 'NotReadableError':
		case 'TrackStartError':
		case 'AbortError':
			return 'busy';
		default:
			return 'missing';
	}
}

export type DeviceEvent =
	| { type: 'ask' }
	| { type: 'opened' }
	| { type: 'failed'; error: string }
	| { type: 'turned-off' }
	| { type: 'ended' }
	| { type: 'impossible' };

/** The next state of one device. */
export function nextDeviceState(state: DeviceState, event: DeviceEvent): DeviceState {
	if (state === 'impossible') return state;
	switch (event.type) {
		case 'ask':
			return state === 'on' ? state : 'asking';
		case 'opened':
			return 'on';
		case 'failed':
			return stateOfError(event.error);
		case 'turned-off':
			return 'off';
		case 'ended':
			// A track also ends when we stop it ourselves; then the state says so already.
			return state === 'on' ? 'lost' : state;
		case 'impossible':
			return 'impossible';
	}
}

/** Asking once more can help in these states. */
export function canRetry(state: DeviceState): boolean {
	return (
		state === 'blocked' || state === 'missing' || state === 'busy' || state === 'lost' || state === 'unknown'
	);
}
