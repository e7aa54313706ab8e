import { expect, it } from 'vitest';
import { Hands } from './hands.ts';

const word = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

it('tells everybody, and whoever comes later', () => {
	const sent: [unknown, string | undefined][] = [];
	const hands = new Hands((bytes, to) => sent.push([JSON.parse(new TextDecoder().decode(bytes)), to]));
	hands.greet('user-1');
	hands.raise(true, 5);
	hands.greet('user-2');
	hands.raise(false);
	hands.greet('user-3');
	expect(sent).toEqual([
		[{ up: true }, undefined],
		[{ up: true }, 'user-2'],
		[{ up: false }, undefined],
	]);
});

it('hears news once and nonsense never', () => {
	const hands = new Hands(() => undefined);
	expect(hands.hear('user-1', word({ up: true }), 7)).toBe(true);
	expect(hands.hear('user-1', word({ up: true }), 9)).toBe(false);
	expect([...hands.up]).toEqual([['user-1', 7]]);
	for (const bad of [word({ up: 'yes' }), word(null), new Uint8Array([0xff, 0x00])]) {
		expect(hands.hear('user-2', bad)).toBe(false);
	}
	expect(hands.hear('user-1', word({ up: false }))).toBe(true);
	hands.hear('user-1', word({ up: true }));
	hands.gone('user-1');
	expect(hands.up.size).toBe(0);
});
