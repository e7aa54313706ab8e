// The text format of server-sent events, read piece by piece. Pure: no network, no clock.

export interface Frame {
	id: string | null;
	event: string;
	data: string;
}

/** Feeds on chunks of text and hands out whole frames. `heard` is called for comments too: they mean the line lives. */
export function createFrameReader(onFrame: (frame: Frame) => void): (chunk: string) => void {
	let rest = '';
	let id: string | null = null;
	let event = '';
	let data: string[] = [];

	function line(text: string) {
		if (text === '') {
			if (data.length > 0) onFrame({ id, event: event || 'message', data: data.join('\n') });
			event = '';
			data = [];
			return;
		}
		if (text.startsWith(':')) return;
		const colon = text.indexOf(':');
		const field = colon < 0 ? text : text.slice(0, colon);
		const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
		if (field === 'data') data.push(value);
		else if (field === 'event') event = value;
		else if (field === 'id' && !value.includes('\0')) id = value;
	}

	return (chunk) => {
		rest += chunk;
		// A CR at the very end may be half of a CRLF: wait for the next chunk.
		const end = /\r\n|\n|\r(?!$)/;
		for (let match = end.exec(rest); match; match = end.exec(rest)) {
			const text = rest.slice(0, match.index);
			rest = rest.slice(match.index + match[0].length);
			line(text);
		}
	};
}
