/** Turns a call that was made into a curl command that a person can paste. */

export interface Made {
	method: string;
	url: string;
	headers?: Record<string, string>;
	body?: unknown;
}

/** Single-quoted for a POSIX shell, whatever the text holds. */
export function quote(text: string): string {
	return `'${text.replaceAll("'", `'\\''`)}'`;
}

export function toCurl({ method, url, headers = {}, body }: Made): string {
	const parts = [`curl -sS${method === 'GET' ? '' : ` -X ${method}`} ${quote(url)}`];
	const names = Object.keys(headers).map((name) => name.toLowerCase());
	for (const [name, value] of Object.entries(headers)) parts.push(`-H ${quote(`${name}: ${value}`)}`);
	if (body !== undefined && body !== null) {
		if (!names.includes('content-type')) parts.push(`-H ${quote('Content-Type: application/json')}`);
		parts.push(`-d ${quote(typeof body === 'string' ? body : JSON.stringify(body))}`);
	}
	return parts.join(' \\\n  ');
}
