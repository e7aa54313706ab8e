import { describe, expect, it } from 'vitest';
import { createFrameReader, type Frame } from './sse.ts';

function read(...chunks: string[]): Frame[] {
	const frames: Frame[] = [];
	const feed = createFrameReader((frame) => frames.push(frame));
	for (const chunk of chunks) feed(chunk);
	return frames;
}

describe('the frame reader', () => {
	it('reads id, event and data', () => {
		expect(read('id: 7\nevent: visit.updated\ndata: {"a":1}\n\n')).toEqual([
			{ id: '7', event: 'visit.updated', data: '{"a":1}' },
		]);
	});

	it('puts frames together from any pieces', () => {
		const text = 'id: 1\r\nevent: a\r\ndata: x\r\n\r\n: beat\n\nid: 2\ndata: y\ndata: z\n\n';
		const whole = read(text);
		expect(whole).toEqual([
			{ id: '1', event: 'a', data: 'x' },
			{ id: '2', event: 'message', data: 'y\nz' },
		]);
		for (let cut = 1; cut < text.length; cut += 1) {
			expect(read(text.slice(0, cut), text.slice(cut))).toEqual(whole);
		}
	});

	it('says nothing for comments and for frames without data', () => {
		expect(read(': beat\n\n', 'event: only\n\n')).toEqual([]);
	});

	it('keeps the last id for frames that carry none', () => {
		expect(read('id: 5\ndata: a\n\ndata: b\n\n').map((frame) => frame.id)).toEqual(['5', '5']);
	});
});
