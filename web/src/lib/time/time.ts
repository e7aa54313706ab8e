// Times for people. Everything takes its instants as arguments, so that tests own the clock.

/** Milliseconds from a wire instant, which is unix seconds as a number or as text; null when there is none. */
export function fromWire(seconds: number | string | null | undefined): number | null {
	if (seconds === null || seconds === undefined || seconds === '') return null;
	const value = Number(seconds);
	return Number.isFinite(value) && value > 0 ? value * 1000 : null;
}

/** "14:02" in the reader's own habit, "2:02 PM" where that is the habit. */
export function clock(at: number, locale?: string, timeZone?: string): string {
	return new Intl.DateTimeFormat(locale, {
		hour: 'numeric',
		minute: '2-digit',
		...(timeZone ? { timeZone } : {}),
	}).format(at);
}

/** A running length: "0:42", "12:05", "1:02:05". Never negative: clocks of two machines differ. */
export function elapsed(ms: number): string {
	const total = Math.max(0, Math.floor(ms / 1000));
	const hours = Math.floor(total / 3600);
	const minutes = Math.floor((total % 3600) / 60);
	const seconds = String(total % 60).padStart(2, '0');
	if (hours > 0) return `${hours}:${String(minutes).padStart(2, '0')}:${seconds}`;
	return `${minutes}:${seconds}`;
}

/** Whole minutes, for waiting times. Never negative. */
export function minutes(ms: number): number {
	return Math.max(0, Math.floor(ms / 60_000));
}

/** Full years from a birth date `YYYY-MM-DD` to an instant; null when the date cannot be read. */
export function age(bornOn: string | null | undefined, at: number): number | null {
	const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(bornOn ?? '');
	if (!parts) return null;
	const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
	const today = new Date(at);
	let years = today.getFullYear() - year;
	const before = today.getMonth() + 1 < month || (today.getMonth() + 1 === month && today.getDate() < day);
	if (before) years -= 1;
	return years >= 0 && years < 150 ? years : null;
}

/** A birth date from three fields as `YYYY-MM-DD`, or the field that is wrong. */
export function birthDate(
	day: string,
	month: string,
	year: string,
	at: number,
): { date: string } | { wrong: 'day' | 'month' | 'year' | 'future' } {
	const [d, m, y] = [Number(day), Number(month), Number(year)];
	if (!/^\d{4}$/.test(year.trim()) || y < 1890) return { wrong: 'year' };
	if (!/^\d{1,2}$/.test(month.trim()) || m < 1 || m > 12) return { wrong: 'month' };
	const last = new Date(Date.UTC(y, m, 0)).getUTCDate();
	if (!/^\d{1,2}$/.test(day.trim()) || d < 1 || d > last) return { wrong: 'day' };
	const date = `${y}-${String(m).padStart(2, '0')}-${String(d).padStart(2, '0')}`;
	if (date > new Date(at).toISOString().slice(0, 10)) return { wrong: 'future' };
	return { date };
}

/** A birth date as people read it: "4 March 1987". */
export function longDate(date: string, locale?: string): string {
	const at = Date.parse(`${date}T12:00:00Z`);
	if (Number.isNaN(at)) return date;
	return new Intl.DateTimeFormat(locale, {
		day: 'numeric',
		month: 'long',
		year: 'numeric',
		timeZone: 'UTC',
	}).format(at);
}

/** "20 s", "4 min", "2 h": how long ago something was heard, in the coarsest unit that is still honest. */
export function ago(ms: number): { value: number; unit: 'second' | 'minute' | 'hour' } {
	const seconds = Math.max(0, Math.round(ms / 1000));
	if (seconds < 90) return { value: seconds, unit: 'second' };
	if (seconds < 5400) return { value: Math.round(seconds / 60), unit: 'minute' };
	return { value: Math.round(seconds / 3600), unit: 'hour' };
}
