import { describe, expect, it } from 'vitest';
import { quote, toCurl } from './curl.ts';

describe('curl', () => {
	it('writes a command that a shell takes', () => {
		expect(
			toCurl({
				method: 'POST',
				url: 'http://127.0.0.1:8080/api_v3/intakes',
				headers: { 'X-ApiToken': 'abc' },
				body: { reason_for_visit: "It's a cough" },
			}),
		).toBe(
			[
				"curl -sS -X POST 'http://127.0.0.1:8080/api_v3/intakes'",
				"-H 'X-ApiToken: abc'",
				"-H 'Content-Type: application/json'",
				`-d '{"reason_for_visit":"It'\\''s a cough"}'`,
			].join(' \\\n  '),
		);
	});

	it('leaves a plain read plain', () => {
		expect(toCurl({ method: 'GET', url: 'http://x/?a=1&b=2' })).toBe("curl -sS 'http://x/?a=1&b=2'");
		expect(quote("a'b")).toBe(`'a'\\''b'`);
	});
});
