/** A test clinic on the same server: it writes to nobody, and its time can be moved. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { BINARY, type Clinic, type Room } from './clinic.ts';

export interface Trial {
	/** The clinic's doors, as those of the demo's clinic. */
	clinic: Clinic;
	code: string;
	admin: { username: string; password: string };
	room: Room;
	/** Moves its clock; seconds. */
	advance: (seconds: number) => Promise<void>;
}

interface Made {
	account_code: string;
	api_key: string;
	api_secret: string;
	admin_token: string;
	admin_username: string;
	admin_link: string;
}

/** Made from the command line beside the running server, as its operator does. */
export async function trial(clinic: Clinic): Promise<Trial> {
	const dir = dirname(clinic.mailFolder);
	const code = `trial-${Date.now().toString(36)}`;
	const env = {
		...process.env,
		BEDSIDE__STORE__URL: `sqlite:${join(dir, 'bedside.db')}`,
		BEDSIDE__KEYS__MASTER_KEY_FILE: join(dir, 'master.key'),
	};
	const words = ['account', 'create', '--code', code, '--name', 'Trial clinic', '--test', '--json'];
	const { stdout } = await promisify(execFile)(BINARY, words, { env });
	const made = JSON.parse(stdout) as Made;
	const demo = {
		...clinic.demo,
		account_code: made.account_code,
		api_key: made.api_key,
		api_secret: made.api_secret,
		admin_token: made.admin_token,
		rooms: [] as Room[],
	};
	const doors: Clinic = Object.create(clinic, { demo: { value: demo } });
	const password = 'a lantern under the old stairs';
	const token = new URL(made.admin_link).searchParams.get('token') ?? '';
	await doors.ok('POST', '/users/password', {}, { email_token: token, password });
	const admin = { 'X-ApiToken': made.admin_token };
	const room = await doors.ok<Room>('POST', '/rooms', admin, { code, slug: code, name: 'Trial room' });
	demo.rooms.push({ ...room, code, slug: code });
	return {
		clinic: doors,
		code,
		admin: { username: made.admin_username, password },
		room,
		advance: async (seconds) => {
			await doors.ok('POST', '/test/clock', admin, { advance: seconds });
		},
	};
}
