import { describe, expect, test } from 'vitest';
import { Idle, stayUnlocked, type Word } from './idle.ts';

function idle() {
	const clock = { ms: 1_000_000 };
	const told: Word[] = [];
	return {
		clock,
		told,
		idle: new Idle(
			(word) => told.push(word),
			() => clock.ms,
		),
	};
}

describe('how long nobody was here', () => {
	test('a minute before the lock there is a warning, and a move ends it', () => {
		const { clock, idle: watch } = idle();
		clock.ms += 839_000;
		expect(watch.look(900)).toEqual({ state: 'here' });
		clock.ms += 1000;
		expect(watch.look(900)).toEqual({ state: 'warning', seconds: 60 });
		clock.ms += 59_000;
		expect(watch.look(900)).toEqual({ state: 'warning', seconds: 1 });
		watch.touch();
		expect(watch.look(900)).toEqual({ state: 'here' });
		clock.ms += 900_000;
		expect(watch.look(900)).toEqual({ state: 'away' });
	});

	test('a machine that slept is locked when it wakes', () => {
		const { clock, idle: watch } = idle();
		clock.ms += 8 * 3_600_000;
		expect(watch.look(900)).toEqual({ state: 'away' });
	});

	test('somebody at another window is here, and hears of this one now and then', () => {
		const { clock, told, idle: watch } = idle();
		for (let second = 0; second < 10; second += 1) {
			clock.ms += 1000;
			watch.touch();
		}
		expect(told).toHaveLength(5);
		clock.ms += 100_000;
		watch.elsewhere();
		expect(watch.look(120)).toEqual({ state: 'here' });
	});

	test('no lock during a call, and its time counts from the end', () => {
		const { clock, told, idle: watch } = idle();
		const end = stayUnlocked();
		clock.ms += 3_600_000;
		expect(watch.look(900)).toEqual({ state: 'here' });
		expect(told).toEqual(['here']);
		end();
		end();
		clock.ms += 840_000;
		expect(watch.look(900)).toEqual({ state: 'warning', seconds: 60 });
	});

	test('a clinic without a lock has none', () => {
		const { clock, idle: watch } = idle();
		clock.ms += 1e9;
		expect(watch.look(null)).toEqual({ state: 'here' });
	});
});
