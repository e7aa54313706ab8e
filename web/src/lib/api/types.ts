// What travels between the pages and the API, as the contract spells it.

export type Kind = 'patient' | 'provider' | 'admin';

/** Unix seconds. Single objects carry most of them as text, lists as numbers. */
export type WireSeconds = number | string;

export interface ErrorBody {
	code: number;
	message: string;
	error?: string;
	fields?: Record<string, string>;
	request_id?: string;
	visit_id?: string;
	[more: string]: unknown;
}

export interface User {
	id: string;
	code?: string;
	first_name: string;
	last_name: string;
	full_name: string;
	username?: string;
	type: number | string;
	dob?: string | null;
	timezone?: string | null;
}

export interface SessionInfo {
	kind: Kind;
	user: User;
	account: {
		code: string;
		name: string;
		portal_name: string | null;
		portal_return_url: string | null;
	};
	disable_navigation: boolean;
	return_url: string | null;
}

/** `POST /users/login` and `/users/guest_login`. */
export interface LoginAnswer extends User {
	token?: { token: string; refresh_token?: string; expiry?: number } | string;
}

export interface Room {
	id: string;
	code: string;
	slug: string;
	name: string;
	domain?: string;
	subtitle: string | null;
	description?: string | null;
	account_code: string;
	account_name: string;
	url: string;
	active: boolean;
	visits?: { walkin?: { enabled?: boolean } };
	auth?: { guest?: { log_in?: { enabled?: boolean } } };
	operation_settings?: {
		is_closed?: boolean;
		close_msg?: string | null;
		default_timezone?: string | null;
	};
}

export interface Queue {
	queue_length: number;
	queue_capacity: number | null;
	/** How many stand before the caller; 0 is next; null for a provider. */
	waiting_length: number | null;
	/** Minutes; null until the room has seen enough visits. */
	average_visit_time: number | null;
}

export interface Intake {
	id: string;
	type?: string;
	reason_for_visit?: string | null;
	provider?: string | null;
	visit_id?: string | null;
	created?: number;
	modified?: number;
	attachments?: unknown;
	/** The clinic's own questions. */
	[custom: string]: unknown;
}

export type StatusName = 'pending' | 'confirmed' | 'in_progress' | 'completed' | 'cancelled' | 'refunded';

export interface VisitPerson {
	id: string;
	first_name: string;
	last_name: string;
	vseeid?: string;
}

export interface VisitProvider extends VisitPerson {
	title?: string | null;
}

export interface VisitMember extends VisitPerson {
	dob?: string | null;
	gender?: number;
	phone?: string | null;
	/** Unix seconds: when the patient's page was last heard from. */
	last_seen?: number | null;
}

export interface Visit {
	id: string;
	code?: string;
	member_id: string;
	provider_id: string | null;
	requested_provider_id: string | null;
	/** Whom the patient asked for, where the server names that person. */
	requested_provider?: VisitProvider | null;
	room_id: string | null;
	room_code?: string;
	type: string | number;
	subtype: string | number;
	status: string | number;
	status_name: StatusName;
	start: WireSeconds;
	end: WireSeconds;
	actual_start: WireSeconds | null;
	actual_end: WireSeconds | null;
	completed_by: string | null;
	created: number;
	modified: number;
	waiting_since: number;
	version: number;
	intake: Intake | null;
	provider: VisitProvider | null;
	member: VisitMember | null;
	room: { id: string; code: string; slug: string; name: string } | null;
	meeting?: { meeting_id: string } | null;
}

/** `POST /visits/:id/call`: what `livekit-client` needs to join. */
export interface CallTicket {
	url: string;
	token: string;
	meeting_id: string;
}

export type CloseReason =
	| 'patient_end_call'
	| 'patient_exit_room'
	| 'call_ended'
	| 'patient_cancel_appointment';
