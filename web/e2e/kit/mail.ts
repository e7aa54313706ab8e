/** The letters a clinic has put into its folder. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import type { Clinic } from './clinic.ts';

export interface Letter {
	to: string;
	subject: string;
	/** The link inside that sets a password. */
	link: string | null;
	/** The link inside under which an interpreter answers. */
	question: string | null;
}

async function letters(clinic: Clinic): Promise<Letter[]> {
	const names = await readdir(clinic.mailFolder).catch(() => [] as string[]);
	const ready = names.filter((name) => name.endsWith('.eml')).sort();
	return Promise.all(ready.map(async (name) => read(await readFile(join(clinic.mailFolder, name), 'utf8'))));
}

/** The newest letter to an address, once there are more of them than before. */
export async function nextLetter(clinic: Clinic, to: string, before: number): Promise<Letter> {
	let found: Letter[] = [];
	await expect
		.poll(
			async () => {
				found = (await letters(clinic)).filter((letter) => letter.to.includes(to));
				return found.length;
			},
			{ message: `a letter to ${to}`, timeout: 20_000 },
		)
		.toBeGreaterThan(before);
	const newest = found.at(-1);
	if (!newest) throw new Error('The letter has gone.');
	return newest;
}

export async function countLetters(clinic: Clinic, to: string): Promise<number> {
	return (await letters(clinic)).filter((letter) => letter.to.includes(to)).length;
}

/** Undoes the quoting that letters travel with. */
function read(text: string): Letter {
	const [headers = ''] = text.split('\r\n\r\n');
	const body = text.replace(/=\r\n/g, '').replace(/=3D/g, '=');
	const header = (name: string) => headers.match(new RegExp(`^${name}: (.*)$`, 'm'))?.[1]?.trim() ?? '';
	return {
		to: header('To'),
		subject: header('Subject'),
		link: body.match(/https?:\/\/\S+\/password\?email_token=[0-9a-f]{32}/)?.[0] ?? null,
		question: body.match(/https?:\/\/\S+\/interpret\?who=\S+/)?.[0] ?? null,
	};
}
