// What the console for developers asks the server, and how it writes times.
import { type Api, ok } from '#lib/api/client.ts';
import type { components } from '#lib/api/schema.ts';
import { currentLocale } from '#lib/i18n/i18n.ts';

type Schemas = components['schemas'];
type Whole<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };

export type ApiApp = Whole<Schemas['ApiApp']>;
export type Webhook = Whole<Schemas['Webhook']>;
export type Delivery = Whole<Schemas['Delivery']>;
export type WholeDelivery = Whole<Schemas['WholeDelivery']>;
export type LoggedRequest = Whole<Schemas['LoggedRequest']>;
export type Replayed = Schemas['ReplayedWebhook'];
export type TestMessage = Whole<Schemas['TestMessage']>;

/** A secret that is shown this once. */
export interface Secret {
	label: string;
	value: string;
}

/** What an app, a key or a token may be limited to. */
export const scopes = [
	'sso',
	'users:read',
	'users:write',
	'visits:read',
	'visits:write',
	'rooms:write',
	'files:read',
	'files:write',
	'events:read',
	'account:write',
	'audit:read',
	'fhir:read',
] as const;

/** Told when nothing else is said. */
export const documentedEvents = [
	'user.created',
	'visit.created',
	'visit.updated',
	'visit.ended',
	'visit.note.signed_and_sent',
	'visit.invoice.processed',
];

/** Told when they are named. */
export const otherEvents = [
	'visit.missed',
	'visit.next_in_line',
	'visit.late',
	'message.created',
	'message.read',
	'call.peer_joined',
	'call.peer_left',
	'call.quality',
	'guest.waiting',
	'guest.admitted',
	'guest.declined',
	'guest.left',
	'visit.interpreter.asked',
	'visit.interpreter.accepted',
	'visit.interpreter.declined',
	'visit.interpreter.not_found',
	'visit.interpreter.cancelled',
	'user.updated',
	'user.consent.given',
	'room.created',
	'room.updated',
	'slots.updated',
	'file.created',
	'file.deleted',
	'webhook.disabled',
];

/** The clinic's apps, each with its keys and tokens. */
export async function apps(api: Api): Promise<ApiApp[]> {
	const { data } = await ok(api.http.GET('/api_apps'));
	return Promise.all(
		data.map(async ({ id }) => {
			const app = await ok(api.http.GET('/api_apps/{id}', { params: { path: { id } } }));
			return app.data as ApiApp;
		}),
	);
}

export async function webhooks(api: Api): Promise<Webhook[]> {
	return (await ok(api.http.GET('/webhooks'))).data as Webhook[];
}

/** A span in milliseconds, for reading. */
export function took(ms: number): string {
	const digits = ms < 10 ? 1 : 0;
	return new Intl.NumberFormat(currentLocale(), {
		style: 'unit',
		unit: 'millisecond',
		maximumFractionDigits: digits,
	}).format(ms);
}
