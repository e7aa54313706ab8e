import { describe, expect, it } from 'vitest';
import type { Message } from '#lib/api/types.ts';
import { append, lastNumber } from './thread.ts';

const message = (number: number, read_by: string[] = []): Message =>
	({ number, id: `m${number}`, read_by }) as unknown as Message;

describe('a conversation', () => {
	it('keeps order, whatever comes first, and every message once', () => {
		const numbers = append([message(2)], [message(3), message(1), message(2)]).map(({ number }) => number);
		expect(numbers).toEqual([1, 2, 3]);
	});

	it('takes the newer form: somebody has read it since', () => {
		expect(append([message(1)], [message(1, ['7'])])[0]?.read_by).toEqual(['7']);
	});

	it('knows its end', () => {
		expect(lastNumber([])).toBe(0);
		expect(lastNumber([message(4), message(2)])).toBe(4);
	});
});
