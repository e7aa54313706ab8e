import { describe, expect, it } from 'vitest';
import { ApiError } from '#lib/api/client.ts';
import { isPicture, preview, refusalOf } from './upload.ts';

const error = (status: number, code: string, fields: Record<string, string> = {}) =>
	new ApiError(status, { error: code, message: 'x', fields });

describe('a file that is not taken', () => {
	it('says why in words', () => {
		expect(refusalOf(error(413, 'file_too_large'))).toBe('chat.file.too_large');
		expect(refusalOf(error(415, 'file_type_not_allowed'))).toBe('chat.file.type');
		expect(refusalOf(error(400, 'image_too_large'))).toBe('chat.file.pixels');
		expect(refusalOf(error(400, 'image_not_readable'))).toBe('chat.file.damaged');
		expect(refusalOf(error(400, 'invalid_field', { file: 'is empty' }))).toBe('chat.file.empty');
		expect(refusalOf(new ApiError(413, null))).toBe('chat.file.too_large');
	});

	it('can be sent again when the trouble may pass', () => {
		expect(refusalOf(new ApiError(0, null))).toBeNull();
		expect(refusalOf(error(503, 'busy'))).toBeNull();
		expect(refusalOf(error(429, 'too_many_requests'))).toBeNull();
	});
});

describe('a file that is shown', () => {
	it('is a picture only where every browser shows it', () => {
		expect(['JPG', 'png', 'webp'].every(isPicture)).toBe(true);
		expect(['heic', 'pdf', 'svg', ''].some(isPicture)).toBe(false);
	});

	it('comes smaller', () => {
		expect(preview('/f/1?auth_code=a')).toBe('/f/1?auth_code=a&size=480x360');
	});
});
