// Who takes part in the visit a provider is in, and who stands at its door.
import { type Api, asApiError } from '#lib/api/client.ts';
import type { Participant } from '#lib/api/types.ts';
import * as guests from './guests.ts';

/** Who is in the call is told by no event of its own at every moment; a look now and then keeps the list true. */
const lookEveryMs = 10_000;

export class VisitGuests {
	people = $state.raw<Participant[]>([]);
	/** Whose request runs; its buttons wait. */
	busyId: string | null = $state(null);
	doing: 'admit' | 'decline' | null = $state(null);
	problem: string | null = $state(null);

	#timer: ReturnType<typeof setInterval>;
	#closed = false;

	constructor(
		readonly api: Api,
		readonly visit: string,
	) {
		this.#timer = setInterval(() => void this.refresh(), lookEveryMs);
		void this.refresh();
	}

	/** Who asks to join, first come first. */
	get asking(): Participant[] {
		return this.people.filter((person) => person.guest_id !== null && person.status === 'waiting');
	}

	/** Everybody with a part in the visit; whoever asks stands above, whoever left is gone. */
	get inside(): Participant[] {
		return this.people.filter((person) => person.status !== 'waiting' && person.status !== 'ended');
	}

	async refresh(): Promise<void> {
		try {
			const people = await guests.participants(this.api, this.visit);
			if (!this.#closed) this.people = people;
		} catch {
			// The last list stands; the desk itself says when the connection is gone.
		}
	}

	admit(person: Participant): Promise<void> {
		return this.#act(person, 'admit');
	}

	decline(person: Participant): Promise<void> {
		return this.#act(person, 'decline');
	}

	/** Mutes somebody in the call; whether they had a microphone to mute. */
	async mute(person: Participant): Promise<boolean> {
		if (this.busyId !== null) return false;
		this.busyId = person.user_id;
		this.problem = null;
		let muted = false;
		try {
			muted = await guests.mute(this.api, this.visit, person.user_id);
		} catch (reason) {
			this.problem = asApiError(reason).message;
		}
		this.busyId = null;
		return muted;
	}

	async #act(person: Participant, what: 'admit' | 'decline'): Promise<void> {
		if (this.busyId !== null || person.guest_id === null) return;
		this.busyId = person.guest_id;
		this.doing = what;
		this.problem = null;
		try {
			const answer = what === 'admit' ? guests.admit : guests.decline;
			await answer(this.api, this.visit, person.guest_id);
		} catch (reason) {
			this.problem = asApiError(reason).message;
		}
		this.busyId = null;
		this.doing = null;
		await this.refresh();
	}

	close(): void {
		this.#closed = true;
		clearInterval(this.#timer);
	}
}
