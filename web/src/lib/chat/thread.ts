// Messages in their order, each once. Pure.
import type { Message } from '#lib/api/types.ts';

/** The messages with more; the newer form of one wins. */
export function append(known: readonly Message[], more: readonly Message[]): Message[] {
	const byNumber = new Map(known.map((message) => [message.number, message]));
	for (const message of more) byNumber.set(message.number, message);
	return [...byNumber.values()].sort((a, b) => a.number - b.number);
}

/** The number of the last one; 0 where there is none. */
export function lastNumber(messages: readonly Message[]): number {
	return messages.reduce((last, message) => Math.max(last, message.number), 0);
}
