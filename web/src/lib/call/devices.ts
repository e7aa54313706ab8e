// The camera and microphone of this page: opened once in the device check, carried into the call, closed at the end.
import {
	type DeviceEvent,
	type DeviceKind,
	type DeviceState,
	nextDeviceState,
	stateOfError,
} from './device-state.ts';
import { browserSource, type MediaSource, pageObstacle } from './media-source.ts';
import { Observable } from './observable.ts';

export interface DevicesState {
	microphone: DeviceState;
	camera: DeviceState;
	audioTrack: MediaStreamTrack | null;
	videoTrack: MediaStreamTrack | null;
	/** False while a drawn camera stands in. */
	real: boolean;
}

const trackOf = { microphone: 'audioTrack', camera: 'videoTrack' } as const;

export class Devices extends Observable<DevicesState> {
	#source: MediaSource;
	#chosen: Record<DeviceKind, string | undefined> = { microphone: undefined, camera: undefined };
	#closed = false;
	#opening: Promise<void> = Promise.resolve();

	constructor(source: MediaSource = browserSource) {
		super({
			microphone: 'unknown',
			camera: 'unknown',
			audioTrack: null,
			videoTrack: null,
			real: source.real,
		});
		this.#source = source;
	}

	/** Puts another source in the devices' place; what is open is closed and opened again from there. */
	async use(source: MediaSource, wanted = { microphone: true, camera: true }): Promise<void> {
		if (source === this.#source) return;
		this.#stop('microphone');
		this.#stop('camera');
		this.#source = source;
		this.#closed = false;
		this.patch({ microphone: 'unknown', camera: 'unknown', real: source.real });
		await this.open(wanted);
	}

	/** Opens what is wanted with one question where possible, with one each where the pair fails. */
	open(wanted: { microphone: boolean; camera: boolean }): Promise<void> {
		this.#opening = this.#opening.then(() => this.#open(wanted)).catch(() => undefined);
		return this.#opening;
	}

	async #open(wanted: { microphone: boolean; camera: boolean }): Promise<void> {
		this.#closed = false;
		if (this.#source.real) navigator.mediaDevices?.addEventListener?.('devicechange', this.#replugged);
		if (this.#source.real && pageObstacle()) {
			this.#step('microphone', { type: 'impossible' });
			this.#step('camera', { type: 'impossible' });
			return;
		}
		const kinds: DeviceKind[] = [];
		if (wanted.microphone && this.value.microphone !== 'on') kinds.push('microphone');
		if (wanted.camera && this.value.camera !== 'on') kinds.push('camera');
		for (const kind of kinds) this.#step(kind, { type: 'ask' });
		if (kinds.length === 2) {
			const error = await this.#ask(kinds);
			if (error === null) return;
			if (stateOfError(error) === 'blocked' && this.#source.real) {
				// A no to the pair: ask for one alone only where the browser says that the other was the trouble.
				const denied = new Set<DeviceKind>();
				for (const kind of kinds) if ((await permission(kind)) === 'denied') denied.add(kind);
				const alone = denied.size === 1 ? kinds.filter((kind) => !denied.has(kind)) : [];
				for (const kind of kinds) if (!alone.includes(kind)) this.#step(kind, { type: 'failed', error });
				kinds.splice(0, kinds.length, ...alone);
			}
		}
		for (const kind of kinds) {
			const error = await this.#ask([kind]);
			if (error !== null) this.#step(kind, { type: 'failed', error });
		}
	}

	/** Null when it worked, else the error's name. */
	async #ask(kinds: DeviceKind[]): Promise<string | null> {
		let stream: MediaStream;
		try {
			stream = await this.#source.open({
				audio: kinds.includes('microphone'),
				video: kinds.includes('camera'),
				audioId: this.#chosen.microphone,
				videoId: this.#chosen.camera,
			});
		} catch (reason) {
			return reason instanceof Error ? reason.name : 'UnknownError';
		}
		if (this.#closed) {
			for (const track of stream.getTracks()) track.stop();
			return null;
		}
		for (const track of stream.getTracks()) this.#take(track);
		return null;
	}

	#take(track: MediaStreamTrack) {
		const kind: DeviceKind = track.kind === 'audio' ? 'microphone' : 'camera';
		const old = this.value[trackOf[kind]];
		track.addEventListener('ended', () => {
			if (this.value[trackOf[kind]] !== track) return;
			this.patch({ [trackOf[kind]]: null });
			this.#step(kind, { type: 'ended' });
		});
		if (kind === 'camera') track.contentHint = 'motion';
		this.patch({ [trackOf[kind]]: track });
		this.#step(kind, { type: 'opened' });
		if (old && old !== track) old.stop();
	}

	/** Turns the camera off for real: its light goes out. */
	turnOffCamera(): void {
		this.#stop('camera');
		this.#step('camera', { type: 'turned-off' });
	}

	/** Another camera or microphone; the old one goes on until the new one works. */
	async choose(kind: DeviceKind, id: string): Promise<void> {
		const before = this.#chosen[kind];
		this.#chosen[kind] = id;
		const error = await this.#ask([kind]);
		if (error !== null) this.#chosen[kind] = before;
	}

	chosen(kind: DeviceKind): string | undefined {
		return this.#chosen[kind] ?? this.value[trackOf[kind]]?.getSettings().deviceId;
	}

	/** What can be chosen. Names are empty until the person has allowed one. */
	async list(): Promise<Record<DeviceKind, MediaDeviceInfo[]>> {
		const all = this.#source.real ? await navigator.mediaDevices.enumerateDevices().catch(() => []) : [];
		return {
			microphone: all.filter((device) => device.kind === 'audioinput' && device.deviceId !== ''),
			camera: all.filter((device) => device.kind === 'videoinput' && device.deviceId !== ''),
		};
	}

	close(): void {
		this.#closed = true;
		navigator.mediaDevices?.removeEventListener?.('devicechange', this.#replugged);
		this.#stop('microphone');
		this.#stop('camera');
		this.patch({ microphone: 'unknown', camera: 'unknown' });
	}

	#stop(kind: DeviceKind) {
		const track = this.value[trackOf[kind]];
		this.patch({ [trackOf[kind]]: null });
		track?.stop();
	}

	#step(kind: DeviceKind, event: DeviceEvent) {
		this.patch({ [kind]: nextDeviceState(this.value[kind], event) });
	}

	// Something was plugged in: what was missing or lost may be there now.
	#replugged = () => {
		if (this.#closed) return;
		const gone = (state: DeviceState) => state === 'missing' || state === 'lost';
		const wanted = { microphone: gone(this.value.microphone), camera: gone(this.value.camera) };
		if (wanted.microphone || wanted.camera) void this.open(wanted);
	};
}

/** What the browser remembers about a device; `unknown` where it does not tell (Safari, Firefox). */
async function permission(kind: DeviceKind): Promise<PermissionState | 'unknown'> {
	try {
		return (await navigator.permissions.query({ name: kind as PermissionName })).state;
	} catch {
		return 'unknown';
	}
}
