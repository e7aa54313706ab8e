// One patient's visit on one page: what is known, how fresh it is, and what the patient does about it.
import { type Api, ApiError, asApiError, createApi, ok } from '#lib/api/client.ts';
import type { Queue, Room, SessionInfo, Visit } from '#lib/api/types.ts';
import { Devices } from '#lib/call/devices.ts';
import { CallEngine } from '#lib/call/engine.ts';
import { browserSource } from '#lib/call/media-source.ts';
import { type Live, type LiveEvent, openLive } from '#lib/live/live.ts';
import * as rooms from '#lib/rooms/rooms.ts';
import { findSession, personName, shortName, wayBack } from '#lib/session/session.ts';
import { cookieSession, type SessionSource } from '#lib/session/source.ts';
import { frame } from '#lib/ui/frame.ts';
import { isEConsult, isOver, stateOf } from '#lib/visits/state.ts';
import * as visits from '#lib/visits/visits.ts';
import { recall, remember, type VisitMemory } from './memory.ts';
import { type Scene, sceneOf, wasPutBack } from './way.ts';

/** Why there is no visit to show. */
export type Trouble = 'signed_out' | 'not_mine' | 'unknown' | 'unreachable';

/** Two minutes of silence are news even where the stream says it lives. */
const safetyPollMs = 60_000;

export class PatientVisit {
	readonly id: string;
	readonly api: Api;
	readonly devices = new Devices();
	readonly engine = new CallEngine(this.devices);

	session: SessionInfo | null = $state(null);
	visit: Visit | null = $state.raw(null);
	room: Room | null = $state.raw(null);
	queue: Queue | null = $state.raw(null);
	trouble: Trouble | null = $state(null);
	/** When the server was last heard from, while nothing gets through; null while all is well. */
	silentSince: number | null = $state(null);
	putBackBy: string | null = $state(null);
	exited = $state(false);
	memory: VisitMemory = $state({
		checked: false,
		soundOnly: false,
		joined: false,
		away: false,
		back: null,
		waited: false,
	});
	/** The patient had waited on this tab before this page was opened. */
	cameBack = $state(false);

	readonly #bySession: boolean;
	#live: Live | null = null;
	#poll: ReturnType<typeof setInterval> | undefined;
	#reading: Promise<void> | null = null;
	#again = false;
	#closed = false;
	/** The goodbye to the call that is still under way; coming back waits for it. */
	#leaving: Promise<unknown> = Promise.resolve();
	#unsubscribe: () => void = () => undefined;
	readonly #messageEars = new Set<() => void>();

	readonly #unframe = frame.subscribe(() => this.#followFrame());

	/** Without a source the patient is signed in; a one-time link knows the visit, but nobody's session. */
	constructor(id: string, source?: SessionSource) {
		this.id = id;
		this.#bySession = source === undefined;
		this.api = createApi(source ?? cookieSession('patient'));
		this.memory = recall(id);
		this.cameBack = this.memory.waited;
	}

	get scene(): Scene | null {
		if (!this.visit) return null;
		return sceneOf({
			state: stateOf(this.visit),
			video: String(this.visit.subtype) !== '1' && String(this.visit.subtype) !== '2',
			checked: this.memory.checked,
			joined: this.memory.joined,
			away: this.memory.away,
			exited: this.exited || this.visit.completed_by === this.visit.member_id,
			question: isEConsult(this.visit),
		});
	}

	get taken(): boolean {
		return this.visit !== null && stateOf(this.visit) === 'in_progress';
	}

	get providerName(): string {
		return personName(this.visit?.provider ?? null);
	}

	get providerShort(): string {
		return shortName(this.visit?.provider ?? null);
	}

	get clinic(): string {
		return this.session?.account.name ?? this.room?.account_name ?? '';
	}

	get back(): { url: string; name: string } | null {
		return wayBack(this.session) ?? this.memory.back;
	}

	/** Joins the room once more with the answers of before; gives the new visit. */
	async rejoin(): Promise<string> {
		const path = { params: { path: { id: this.id } } };
		return (await ok(this.api.http.POST('/visits/{id}/rejoin', path))).data.id;
	}

	/** A walk-in that was given up, by somebody who is signed in, can be joined again. */
	get canRejoin(): boolean {
		return this.#bySession && String(this.visit?.type) === '1' && this.scene === 'exited';
	}

	get roomPage(): string | null {
		const slug = this.room?.slug ?? this.visit?.room?.slug;
		return slug ? `/u/${encodeURIComponent(slug)}` : null;
	}

	/** The stage's choice of camera, also in the middle of a check or a call. */
	#followFrame() {
		if (this.scene !== 'check' && this.scene !== 'call') return;
		const camera = this.scene === 'check' || !this.memory.soundOnly;
		if (frame.demoCamera && this.devices.value.real) void this.useDemoCamera(camera);
		else if (!frame.demoCamera && !this.devices.value.real) {
			void this.devices.use(browserSource, { microphone: true, camera });
		}
	}

	/** Reads everything, then follows the visit until `close`. */
	async open(): Promise<void> {
		try {
			if (this.#bySession) this.session = await findSession(this.api);
			if (this.#closed) return;
			if (this.#bySession && !this.session) {
				this.trouble = 'signed_out';
				return;
			}
			const back = wayBack(this.session);
			if (back) this.note({ back });
			await this.#readVisit();
		} catch (reason) {
			this.#misread(reason);
			return;
		}
		if (this.#closed) return;
		void this.#readRoom();
		this.#follow();
	}

	async retry(): Promise<void> {
		this.trouble = null;
		await this.open();
	}

	#follow() {
		if (this.#live || this.#closed || (this.visit && isOver(stateOf(this.visit)))) return;
		this.#live = openLive({
			source: this.api.source,
			onEvent: (event) => this.#heed(event),
			onRefresh: () => this.refresh(),
			onState: (state) => {
				if (state.status === 'live') this.silentSince = null;
			},
		});
		this.#poll = setInterval(() => void this.refresh(), safetyPollMs);
		this.#unsubscribe = this.engine.subscribe((call) => {
			// The call ended for a reason that only the visit knows.
			if (call.phase === 'failed' && call.failure?.code !== 'elsewhere') void this.#afterFailure();
		});
	}

	/** Where the visit goes on, a call that was taken away is joined again, without hurry. */
	async #afterFailure(): Promise<void> {
		await this.refresh();
		await new Promise((done) => setTimeout(done, 2000));
		if (!this.#closed && this.scene === 'call' && this.engine.value.phase === 'failed') this.connect();
	}

	#heed(event: LiveEvent) {
		if (event.type.startsWith('message.')) {
			if (event.visit_id === this.id) for (const heed of this.#messageEars) heed();
			return;
		}
		if (event.visit_id === this.id || event.type === 'queue.updated') void this.refresh();
	}

	/** Tells when something was said or read at this visit; gives the way to stop. */
	onMessages(heed: () => void): () => void {
		this.#messageEars.add(heed);
		return () => this.#messageEars.delete(heed);
	}

	/** Looks at the visit and the queue again; one look at a time, and one more when asked meanwhile. */
	refresh(): Promise<void> {
		if (this.#reading) {
			this.#again = true;
			return this.#reading;
		}
		this.#reading = this.#look().finally(() => {
			this.#reading = null;
			if (!this.#again || this.#closed) return;
			this.#again = false;
			void this.refresh();
		});
		return this.#reading;
	}

	async #look(): Promise<void> {
		if (this.#closed || (this.visit && isOver(stateOf(this.visit)))) return;
		try {
			await this.#readVisit();
			// What the stream did not bring, a look does.
			for (const heed of this.#messageEars) heed();
			this.silentSince = null;
		} catch (reason) {
			const error = asApiError(reason);
			if (error.passing) {
				// What is shown stays shown, with its age.
				this.silentSince ??= this.#live?.state.heardAt ?? Date.now();
			} else {
				this.#misread(error);
			}
		}
	}

	async #readVisit(): Promise<void> {
		const visit = await visits.get(this.api, this.id);
		const before = this.visit;
		if (before && visit.version < before.version) return;
		const state = stateOf(visit);
		if (wasPutBack(before ? stateOf(before) : null, state)) {
			this.putBackBy = shortName(before?.provider ?? null);
			this.cameBack = false;
			this.note({ joined: false, away: false });
			await this.engine.leave();
			this.devices.close();
		}
		if (state === 'in_progress') this.putBackBy = null;
		this.visit = visit;
		if (state === 'waiting') {
			const room = visit.room?.code ?? visit.room_code;
			if (room) this.queue = await rooms.queue(this.api, room).catch(() => this.queue);
		}
		if (isOver(state)) this.#finish();
	}

	async #readRoom(): Promise<void> {
		const code = this.visit?.room?.code ?? this.visit?.room_code;
		if (!code) return;
		this.room = await rooms.get(this.api, code).catch(() => null);
	}

	#misread(reason: unknown) {
		const error = asApiError(reason);
		// Two people who see and hear each other are not parted by a sign-in that ran out.
		const talking = this.engine.value.phase === 'connected' || this.engine.value.phase === 'reconnecting';
		if (talking) return;
		if (error.status === 401) this.trouble = 'signed_out';
		else if (error.status === 403) this.trouble = 'not_mine';
		else if (error.status === 404 || error.status === 400) this.trouble = 'unknown';
		else this.trouble = this.visit ? null : 'unreachable';
	}

	/** Remembers over a reload. */
	note(change: Partial<VisitMemory>): void {
		this.memory = { ...this.memory, ...change };
		remember(this.id, this.memory);
	}

	checked(soundOnly: boolean): void {
		this.note({ checked: true, soundOnly, waited: true });
	}

	checkAgain(): void {
		this.note({ checked: false });
	}

	/** Enters the call, and stays in it through reloads until the patient leaves or the visit ends. */
	join(): void {
		this.note({ joined: true, away: false });
	}

	connect(): void {
		// Joining does not wait for the devices: the other face comes first, ours follows when the browser gives it.
		void this.openDevices(!this.memory.soundOnly);
		void this.#leaving.then(() =>
			this.engine.join(
				() => visits.call(this.api, this.id),
				(record) => visits.tellQuality(this.api, this.id, record),
			),
		);
	}

	/** Opens the microphone and, unless the patient goes on with sound only, the camera. */
	async openDevices(camera = true): Promise<void> {
		if (frame.demoCamera && this.devices.value.real) await this.useDemoCamera(camera);
		else await this.devices.open({ microphone: true, camera });
	}

	/** The stage's drawn camera, for a machine that has none. */
	async useDemoCamera(camera = true): Promise<void> {
		const { demoSource } = await import('#lib/stage/demo-source.ts');
		await this.devices.use(demoSource('patient'), { microphone: true, camera });
	}

	async leaveCall(): Promise<void> {
		this.#leaving = this.#sayGoodbye();
		this.note({ joined: false, away: true });
		await this.#leaving;
		void this.refresh();
	}

	async #sayGoodbye(): Promise<void> {
		this.devices.close();
		await this.engine.leave();
		// The visit stays open either way; a lost message changes nothing for the patient.
		await visits.close(this.api, this.id, 'patient_end_call').catch(() => undefined);
	}

	/** Gives the place up. Throws what the API says when it could not be done. */
	async leaveWaitingRoom(): Promise<void> {
		try {
			this.exited = true;
			const visit = await visits.close(this.api, this.id, 'patient_exit_room');
			this.visit = { ...(this.visit as Visit), ...visit };
			this.#finish();
		} catch (reason) {
			this.exited = false;
			// Taken in this very moment, or already over: the truth is shown, not the error.
			if (reason instanceof ApiError && reason.status === 400) {
				await this.refresh();
				return;
			}
			throw reason;
		}
	}

	#finish() {
		this.note({ joined: false, away: false });
		this.#stopFollowing();
		void this.engine.leave();
		this.devices.close();
	}

	#stopFollowing() {
		this.#live?.close();
		this.#live = null;
		clearInterval(this.#poll);
		this.#unsubscribe();
	}

	close(): void {
		this.#closed = true;
		this.#unframe();
		this.#stopFollowing();
		void this.engine.leave();
		this.devices.close();
	}
}
