// A wall clock in a time zone, and the instants it means. Instants are milliseconds; nothing here asks for the time.

/** What a clock on a wall shows: `YYYY-MM-DD` and `HH:MM`. */
export interface Wall {
	date: string;
	time: string;
}

const DAY = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function partsOf(at: number, zone: string): Record<string, string> {
	let format = formats.get(zone);
	if (!format) {
		format = new Intl.DateTimeFormat('en-US', {
			timeZone: zone,
			hourCycle: 'h23',
			year: 'numeric',
			month: '2-digit',
			day: '2-digit',
			hour: '2-digit',
			minute: '2-digit',
			second: '2-digit',
		});
		formats.set(zone, format);
	}
	return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
}

export function wallOf(at: number, zone: string): Wall {
	const { year = '', month, day, hour, minute } = partsOf(at, zone);
	return { date: `${year.padStart(4, '0')}-${month}-${day}`, time: `${hour}:${minute}` };
}

/** How far the zone's clock is ahead of UTC at an instant, in ms. */
export function offsetAt(at: number, zone: string): number {
	const { year, month, day, hour, minute, second } = partsOf(at, zone);
	const shown = Date.UTC(
		Number(year),
		Number(month) - 1,
		Number(day),
		Number(hour),
		Number(minute),
		Number(second),
	);
	return shown - Math.floor(at / 1000) * 1000;
}

/**
 * The instant of a wall-clock time. The repeated hour means its first pass, a time in the missing hour the instant as
 * far behind the change as the clock says: what the server does with hours that repeat.
 */
export function instantOf({ date, time }: Wall, zone: string): number {
	const wall = Date.parse(`${date}T${time}:00Z`);
	const [before, after] = [offsetAt(wall - DAY, zone), offsetAt(wall + DAY, zone)];
	const meant = [...new Set([before, after])]
		.map((offset) => wall - offset)
		.filter((at) => offsetAt(at, zone) === wall - at)
		.sort((a, b) => a - b);
	return meant[0] ?? wall - before;
}

/** False for a time that no clock of the zone shows on that day, because the clocks change. */
export function exists(wall: Wall, zone: string): boolean {
	const shown = wallOf(instantOf(wall, zone), zone);
	return shown.date === wall.date && shown.time === wall.time;
}

export function addDays(date: string, days: number): string {
	return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);
}

/** 1 Monday to 7 Sunday. */
export function weekday(date: string): number {
	return new Date(`${date}T00:00:00Z`).getUTCDay() || 7;
}

/** The Monday of a day's week. */
export function weekOf(date: string): string {
	return addDays(date, 1 - weekday(date));
}

/** `+05:30`: the form in which the grid wants the zone whose "now" it marks. */
export function offsetText(at: number, zone: string): string {
	const minutes = Math.round(offsetAt(at, zone) / 60_000);
	const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
	return `${minutes < 0 ? '-' : '+'}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`;
}

/** True for a `YYYY-MM-DD` that is a day. */
export function isDate(text: string): boolean {
	return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`));
}

/** The zone this browser's clock is in. */
export function ownZone(): string {
	return new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

/** "London": the part of a zone's name that people say. */
export function zoneCity(zone: string): string {
	return (zone.split('/').pop() ?? zone).replaceAll('_', ' ');
}
