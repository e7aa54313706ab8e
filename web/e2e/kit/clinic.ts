/** A real `bedside demo` on a free port with a fresh data directory, and a portal's server talking to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Room {
	id: string;
	code: string;
	slug: string;
	name: string;
	url: string;
}

export interface Login {
	id: string;
	code: string;
	username: string;
	password: string;
}

/** What `bedside demo` writes into `demo.json`. */
export interface Demo {
	base_url: string;
	portal_base_url: string;
	api_base: string;
	account_code: string;
	api_key: string;
	api_secret: string;
	admin_token: string;
	rooms: Room[];
	providers: Login[];
	patients: Login[];
	admin: { username: string; password: string };
}

export interface Person {
	id: string;
	token: string;
	first_name: string;
	last_name: string;
}

/** An answer of the API: its HTTP status and its body. */
export interface Answer {
	status: number;
	body: Record<string, unknown> & { data?: unknown };
}

export const BINARY = process.env.BEDSIDE_BIN ?? join(import.meta.dirname, '../../../target/debug/bedside');

export class Clinic {
	private people = 0;

	readonly demo: Demo;
	private child: ChildProcess;
	private readonly dir: string;
	private readonly output: string[];

	private constructor(demo: Demo, child: ChildProcess, dir: string, output: string[]) {
		this.demo = demo;
		this.child = child;
		this.dir = dir;
		this.output = output;
	}

	static async start(): Promise<Clinic> {
		const dir = await mkdtemp(join(tmpdir(), 'bedside-e2e-'));
		const output: string[] = [];
		const child = await Clinic.launch(dir, '127.0.0.1:0', output);
		const demo = JSON.parse(await readFile(join(dir, 'demo.json'), 'utf8')) as Demo;
		return new Clinic(demo, child, dir, output);
	}

	/** Resolves once it listens. */
	private static async launch(dir: string, listen: string, output: string[]): Promise<ChildProcess> {
		const args = ['demo', '--listen', listen, '--data-dir', dir];
		const child = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'pipe'] });
		const keep = (line: string) => {
			output.push(line);
			if (output.length > 400) output.shift();
		};
		createInterface({ input: child.stderr }).on('line', keep);
		await new Promise<void>((resolve, reject) => {
			child.once('error', (error) => reject(new Error(`${BINARY} does not start: ${error.message}`)));
			child.once('exit', (code) => reject(new Error(`${BINARY} ended with ${code}:\n${output.join('\n')}`)));
			createInterface({ input: child.stdout }).on('line', (line) => {
				keep(line);
				if (/listening on https?:\/\//.test(line)) resolve();
			});
		});
		return child;
	}

	/** The server answers nothing for so long, as behind a network that was cut. */
	async silent(ms: number): Promise<void> {
		this.child.kill('SIGSTOP');
		try {
			await new Promise((done) => setTimeout(done, ms));
		} finally {
			this.child.kill('SIGCONT');
		}
	}

	/** Ends the server and starts it again at the same address with the same data. */
	async restart(): Promise<void> {
		await this.end();
		this.child = await Clinic.launch(this.dir, new URL(this.demo.base_url).host, this.output);
	}

	/** Where the clinic puts its letters. */
	get mailFolder(): string {
		return join(this.dir, 'mail');
	}

	/** A provider of their own, for tests that change a login. */
	async addProvider(password: string): Promise<{ id: string; username: string; email: string }> {
		this.people += 1;
		const username = `staff-${this.people}-${Date.now()}`;
		const email = `${username}@example.org`;
		const body = { type: 400, first_name: 'Nora', last_name: 'Lind', username, email, password };
		const { id } = await this.ok<{ id: string }>(
			'POST',
			'/users',
			{ 'X-ApiToken': this.demo.admin_token },
			body,
		);
		return { id, username, email };
	}

	/** The last lines the server printed, for a failing test's report. */
	log(): string {
		return this.output.join('\n');
	}

	async stop(): Promise<void> {
		await this.end();
		await rm(this.dir, { recursive: true, force: true });
	}

	private async end(): Promise<void> {
		if (this.child.exitCode === null) {
			const ended = new Promise((resolve) => this.child.once('exit', resolve));
			this.child.kill('SIGTERM');
			await ended;
		}
	}

	/** The first room, provider or patient of the demo clinic. */
	get room(): Room {
		return first(this.demo.rooms);
	}

	get provider(): Login {
		return first(this.demo.providers);
	}

	async call(
		method: 'GET' | 'POST',
		path: string,
		headers: Record<string, string>,
		body?: unknown,
	): Promise<Answer> {
		const response = await fetch(`${this.demo.api_base}${path}`, {
			method,
			headers: {
				'X-AccountCode': this.demo.account_code,
				...headers,
				...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		return { status: response.status, body: (await response.json()) as Answer['body'] };
	}

	async ok<T>(
		method: 'GET' | 'POST',
		path: string,
		headers: Record<string, string>,
		body?: unknown,
	): Promise<T> {
		const answer = await this.call(method, path, headers, body);
		if (answer.status !== 200)
			throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
		return answer.body.data as T;
	}

	/** SSO as a portal's server does it. 200 patient, 400 provider. A fresh patient when no code is given. */
	async sso(
		type: 200 | 400,
		person: { code?: string; first_name?: string; last_name?: string } = {},
	): Promise<Person> {
		this.people += 1;
		const { code = `e2e-${this.people}`, first_name = 'Maria', last_name = 'Santos' } = person;
		const keys = { 'X-ApiKey': this.demo.api_key, 'X-ApiSecret': this.demo.api_secret };
		const body = { type, code, first_name, last_name, ...(type === 200 ? { dob: '1988-04-02' } : {}) };
		const data = await this.ok<{ id: string; token: { token: string } }>('POST', '/users/sso', keys, body);
		return { id: data.id, token: data.token.token, first_name, last_name };
	}

	/** Use case 2 of the contract up to the browser: intake and walk-in. Answers the visit's id. */
	async walkIn(patient: Person, more: Record<string, unknown> = {}, room = this.room): Promise<string> {
		const headers = { 'X-ApiToken': patient.token };
		const intake = await this.ok<{ id: string }>('POST', '/intakes', headers, {
			room_code: room.code,
			reason_for_visit: 'Cough for a week',
			type: 1,
			custom_is_smoker: 'No',
			...more,
		});
		const visit = await this.ok<{ id: string }>('POST', '/visits/add_walkin', headers, {
			intake_id: intake.id,
			room_code: room.code,
			...('provider_id' in more ? { provider_id: more.provider_id } : {}),
		});
		return visit.id;
	}

	/** Where the portal sends a browser after SSO. */
	authUrl(person: Person, next: string, more: Record<string, string> = {}): string {
		const query = new URLSearchParams({ sso_token: person.token, next, ...more });
		return `${this.demo.base_url}/auth?${query}`;
	}

	visit(id: string): Promise<Record<string, unknown>> {
		return this.ok('GET', `/visits/${id}`, { 'X-ApiToken': this.demo.admin_token });
	}

	/** Closes what earlier tests left in the queue, so that each test meets an empty waiting room. */
	async emptyQueue(): Promise<void> {
		const token = await this.providerToken();
		const open = await this.ok<{ id: string; status: number; provider_id: string | null }[]>(
			'GET',
			'/visits?status=10,20,25&limit=100',
			{ 'X-ApiToken': token },
		);
		for (const visit of open) {
			if (visit.status === 25)
				await this.call('POST', `/visits/${visit.id}/complete`, { 'X-ApiToken': token }, {});
			else {
				await this.call('POST', `/visits/${visit.id}/accept`, { 'X-ApiToken': token }, { confirm: 1 });
				await this.call('POST', `/visits/${visit.id}/complete`, { 'X-ApiToken': token }, {});
			}
		}
	}

	async providerToken(login = this.provider): Promise<string> {
		const { username, password } = login;
		const data = await this.ok<{ token: { token: string } }>(
			'POST',
			'/users/login',
			{},
			{ username, password },
		);
		return data.token.token;
	}
}

function first<T>(list: T[]): T {
	const [one] = list;
	if (one === undefined) throw new Error('The demo clinic lacks a room or a person.');
	return one;
}
