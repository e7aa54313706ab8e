// Visit states and their sentences: the one table of who reads what. No page writes its own.

import type { StatusName, Visit } from '#lib/api/types.ts';
import type { MessageKey } from '#lib/i18n/i18n.ts';

export type Reader = 'patient' | 'provider' | 'admin';

/** What a visit is to the people in it; status numbers stay on the wire. */
export type VisitState = 'waiting' | 'booked' | 'in_progress' | 'completed' | 'cancelled' | 'refunded';

const byStatus: Record<StatusName, VisitState> = {
	pending: 'waiting',
	confirmed: 'booked',
	in_progress: 'in_progress',
	completed: 'completed',
	cancelled: 'cancelled',
	refunded: 'refunded',
};

const byNumber: Record<string, VisitState> = {
	'10': 'waiting',
	'20': 'booked',
	'25': 'in_progress',
	'30': 'completed',
	'40': 'cancelled',
	'50': 'refunded',
};

/** The state of a visit as either the list or the single object spells it. */
export function stateOf(visit: Pick<Visit, 'status' | 'status_name'>): VisitState {
	return byStatus[visit.status_name as StatusName] ?? byNumber[String(visit.status)] ?? 'waiting';
}

/** True once nothing more can happen in the visit. */
export function isOver(state: VisitState): boolean {
	return state === 'completed' || state === 'cancelled' || state === 'refunded';
}

const VIDEO = '3';
const E_CONSULT = '3';

/** A question in writing, to be answered in writing. */
export function isEConsult(visit: Pick<Visit, 'type'>): boolean {
	return String(visit.type) === E_CONSULT;
}

/** True when people meet in a video call: not in an e-consult, on the phone or in person. */
export function hasCall(visit: Pick<Visit, 'type' | 'subtype'>): boolean {
	return !isEConsult(visit) && String(visit.subtype) === VIDEO;
}

export type Shape = 'ring' | 'filled' | 'tick' | 'bar';

/** Colour never speaks alone: each state has a shape beside its word. */
export const shapes: Record<VisitState, Shape> = {
	waiting: 'ring',
	booked: 'ring',
	in_progress: 'filled',
	completed: 'tick',
	cancelled: 'bar',
	refunded: 'bar',
};

/** The state as one word. */
export const words: Record<VisitState, MessageKey> = {
	waiting: 'state.waiting',
	booked: 'state.booked',
	in_progress: 'state.in_progress',
	completed: 'state.completed',
	cancelled: 'state.cancelled',
	refunded: 'state.refunded',
};

/** The state as one sentence for one reader; values: `patient`, `provider`. */
export const sentences: Record<VisitState, Record<Reader, MessageKey>> = {
	waiting: {
		patient: 'sentence.waiting.patient',
		provider: 'sentence.waiting.provider',
		admin: 'sentence.waiting.admin',
	},
	booked: {
		patient: 'sentence.booked.patient',
		provider: 'sentence.booked.provider',
		admin: 'sentence.booked.admin',
	},
	in_progress: {
		patient: 'sentence.in_progress.patient',
		provider: 'sentence.in_progress.provider',
		admin: 'sentence.in_progress.admin',
	},
	completed: {
		patient: 'sentence.completed.patient',
		provider: 'sentence.completed.provider',
		admin: 'sentence.completed.admin',
	},
	cancelled: {
		patient: 'sentence.cancelled.patient',
		provider: 'sentence.cancelled.provider',
		admin: 'sentence.cancelled.admin',
	},
	refunded: {
		patient: 'sentence.refunded.patient',
		provider: 'sentence.refunded.provider',
		admin: 'sentence.refunded.admin',
	},
};
