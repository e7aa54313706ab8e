// The API's objects by the names the pages use. All come from the server's own description, `schema.ts`.
import type { components } from './schema.ts';

type Schemas = components['schemas'];

/** The server sends what it does not have as null; the description can only call that optional. */
type Whole<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };

export type Kind = 'patient' | 'provider' | 'admin';
export type ErrorBody = Schemas['ErrorBody'];
export type User = Schemas['User'];
export type SessionInfo = Schemas['Session'];
export type SessionLock = Schemas['SessionLock'];
export type SessionRow = Schemas['SessionRow'];
export type Room = Schemas['Room'] & {
	visits: { walkin?: { enabled?: boolean }; appointment?: { enabled?: boolean } };
	auth: { guest?: { log_in?: { enabled?: boolean } } };
};
export type Queue = Schemas['Queue'];
export type Intake = Schemas['VisitIntake'];
export type Visit = Whole<Schemas['Visit']>;
export type VisitMember = Schemas['VisitMember'];
export type VisitProvider = Schemas['VisitProvider'];
export type Message = Whole<Schemas['Message']>;
export type Callback = Schemas['Callback'];
export type RecordingDetail = Whole<Schemas['RecordingDetail']>;
export type CurrentRecording = Whole<Schemas['CurrentRecording']>;
export type CallTicket = Schemas['CallPass'];
export type Meeting = Whole<Schemas['MeetingDoor']> & {
	part: 'patient' | 'provider' | 'guardian' | 'guest' | null;
};
export type CallQuality = Whole<Schemas['CallQuality']>;

/** A line of a person's list of notifications. */
export type Notice = Schemas['Notification'];
/** A way on which people can be told. */
export type NoticeChannel = Schemas['NotificationChannel'];
export type PasswordLink = Schemas['PasswordLink'];
export type Invitation = Whole<Schemas['InvitationObject']>;
export type Guest = Whole<Schemas['Guest']>;
export type Participant = Whole<Schemas['ParticipantObject']>;
/** A visit's search for an interpreter. */
export type InterpreterSearch = Whole<Schemas['InterpreterSearch']>;
export type GuestRole = 'family' | 'carer' | 'interpreter';

export type StatusName = 'pending' | 'confirmed' | 'in_progress' | 'completed' | 'cancelled' | 'refunded';

/** Unix seconds. Single objects carry most of them as text, lists as numbers. */
export type WireSeconds = Schemas['Digits'];

export type CloseReason =
	| 'patient_end_call'
	| 'patient_exit_room'
	| 'call_ended'
	| 'patient_cancel_appointment';

/** A weekly rule, or one opening. */
export type Slot = Schemas['Slot'];
export type Closure = Schemas['Closure'];
