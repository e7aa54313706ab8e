import { describe, expect, it } from 'vitest';
import { answers, labelOf, possessive } from './person.ts';

describe('person', () => {
	it('speaks of people as they are', () => {
		expect([possessive(1), possessive('2'), possessive(0), possessive(undefined)]).toEqual([
			'his',
			'her',
			'their',
			'their',
		]);
	});

	it('shows custom answers of any form and nothing of our own', () => {
		expect(
			answers({
				id: 'x',
				type: '1',
				reason_for_visit: 'Cough',
				custom_is_smoker: 'No',
				allergies: ['nuts', 'penicillin'],
				fever: true,
				temperatureC: 38.4,
				address: { zip: '12345', note: null },
				interpreter_language: 'es',
				empty: '',
			}),
		).toEqual([
			{ label: 'Is smoker', value: 'No' },
			{ label: 'Allergies', value: 'nuts, penicillin' },
			{ label: 'Fever', value: 'Yes' },
			{ label: 'Temperature c', value: '38.4' },
			{ label: 'Address', value: 'Zip: 12345' },
			{ label: 'Interpreter language', value: 'Spanish' },
		]);
		expect(answers(null)).toEqual([]);
		expect(labelOf('custom_')).toBe('custom_');
	});
});
