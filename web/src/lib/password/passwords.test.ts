import { describe, expect, it } from 'vitest';
import { ApiError } from '#lib/api/client.ts';
import { endedBy } from './passwords.ts';

const refusal = (status: number, error: string) => new ApiError(status, { error });

describe('what a refusal says about a link', () => {
	it('tells a used, an ended and an unknown one apart', () => {
		expect(endedBy(refusal(401, 'token_used'))).toBe('used');
		expect(endedBy(refusal(401, 'token_expired'))).toBe('expired');
		expect(endedBy(refusal(401, 'token_unknown'))).toBe('unknown');
		expect(endedBy(refusal(403, 'user_suspended'))).toBe('suspended');
	});

	it('leaves the link alone when the password or the network is the trouble', () => {
		expect(endedBy(refusal(400, 'invalid_field'))).toBeNull();
		expect(endedBy(new ApiError(0, null))).toBeNull();
		expect(endedBy(refusal(503, 'unavailable'))).toBeNull();
	});
});
