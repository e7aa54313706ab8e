/** What a provider reads about a person, from the rows the API gives. */
import { nameIn } from '#lib/interpreters/names.ts';

export interface Answer {
	label: string;
	value: string;
}

/** What the intake object holds beside the patient's own answers (contract 3.1, 3.3). */
const OWN_FIELDS = new Set(
	(
		'id _id type reason_for_visit provider provider_id visit_id member_id created modified attachments room_code ' +
		'account_code consultation consultation_id version'
	).split(' '),
);

/** The answers of an intake as label and value, in the order they were sent; custom fields may hold any JSON. */
export function answers(intake: Record<string, unknown> | null | undefined): Answer[] {
	return Object.entries(intake ?? {})
		.filter(([name]) => !OWN_FIELDS.has(name))
		.map(([name, value]) => ({ label: labelOf(name), value: answerWords(name, value) }))
		.filter((answer) => answer.value !== '');
}

/** `custom_is_smoker` becomes "Is smoker", `bloodType` "Blood type". */
export function labelOf(name: string): string {
	const words = name
		.replace(/^custom[_-]/i, '')
		.replace(/([a-z\d])([A-Z])/g, '$1 $2')
		.replace(/[_\-.]+/g, ' ')
		.trim()
		.toLowerCase();
	return words ? words.charAt(0).toUpperCase() + words.slice(1) : name;
}

/** A tag such as `es` is no word for anybody. */
function answerWords(name: string, value: unknown): string {
	const words = valueWords(value);
	return name === 'interpreter_language' ? nameIn('en', words) : words;
}

function valueWords(value: unknown): string {
	if (value === null || value === undefined) return '';
	if (typeof value === 'boolean') return value ? 'Yes' : 'No';
	if (Array.isArray(value)) return value.map(valueWords).filter(Boolean).join(', ');
	if (typeof value === 'object') {
		return Object.entries(value)
			.map(([name, each]) => [labelOf(name), valueWords(each)])
			.filter(([, words]) => words)
			.map(([label, words]) => `${label}: ${words}`)
			.join('; ');
	}
	return String(value).trim();
}

/** How to speak of a patient's page: "her page", "his page", "their page" (contract 2.1: 1 male, 2 female). */
export function possessive(gender: number | string | null | undefined): 'his' | 'her' | 'their' {
	if (Number(gender) === 1) return 'his';
	return Number(gender) === 2 ? 'her' : 'their';
}
