/** A drawn person with a running clock: the picture of the demo camera. One frame per call, nothing kept. */

/** Fixed colours: the picture looks the same whatever the page's theme. */
const COATS = {
	patient: { wall: '#dfe8e4', coat: '#6d5a86', skin: '#d9a27c', hair: '#3b2a22' },
	provider: { wall: '#d8e4ee', coat: '#0a6b68', skin: '#8d5a3c', hair: '#1e1a19' },
} as const;

export type PortraitOf = keyof typeof COATS;

export const WIDTH = 640;
export const HEIGHT = 480;

/**
 * Draws the person at `now` (ms). `mouth` is how loud the voice is, 0 to 1. The clock shows that the picture moves
 * and how late it arrives.
 */
export function drawPortrait(
	pen: CanvasRenderingContext2D,
	who: PortraitOf,
	now: number,
	mouth: number,
): void {
	const { wall, coat, skin, hair } = COATS[who];
	const seconds = now / 1000;
	const sway = Math.sin(seconds * 0.9) * 7;
	const nod = Math.sin(seconds * 1.7) * 3;
	const x = WIDTH / 2 + sway;
	const y = 205 + nod;

	pen.fillStyle = wall;
	pen.fillRect(0, 0, WIDTH, HEIGHT);
	drawWindow(pen, seconds);

	oval(pen, x, 520, 200, 190, coat);
	oval(pen, x, 318, 48, 60, skin);
	oval(pen, x, y - 26, 104, 118, hair);
	oval(pen, x, y, 88, 108, skin);
	oval(pen, x, y - 92, 86, 44, hair);

	const blink = seconds % 4 < 0.14 ? 1 : 9;
	oval(pen, x - 33, y - 12, 9, blink, '#20242a');
	oval(pen, x + 33, y - 12, 9, blink, '#20242a');
	oval(pen, x, y + 50, 26, 4 + mouth * 16, '#6e2b2b');
	drawClock(pen, now);
}

function drawWindow(pen: CanvasRenderingContext2D, seconds: number): void {
	pen.fillStyle = '#f4f7f5';
	pen.fillRect(40, 40, 130, 170);
	pen.fillStyle = '#9cc4d8';
	pen.fillRect(50, 50, 110, 150);
	// A cloud that drifts: something moves even while the person sits still.
	pen.save();
	pen.beginPath();
	pen.rect(50, 50, 110, 150);
	pen.clip();
	const drift = 20 + ((seconds * 9) % 180);
	oval(pen, drift, 95, 30, 13, '#ffffff');
	oval(pen, drift + 22, 88, 22, 14, '#ffffff');
	pen.restore();
}

function drawClock(pen: CanvasRenderingContext2D, now: number): void {
	const time = new Date(now);
	const two = (value: number) => String(value).padStart(2, '0');
	const words = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
	const tenth = Math.floor(time.getMilliseconds() / 100);
	// On the chest, in the middle: there no crop and no other picture hides it.
	pen.font = '600 34px ui-monospace, Menlo, Consolas, monospace';
	const width = pen.measureText(`${words}.${tenth}`).width + 24;
	const left = (WIDTH - width) / 2;
	pen.fillStyle = 'rgba(12, 17, 19, 0.82)';
	pen.fillRect(left, 352, width, 62);
	pen.fillStyle = '#eaf0ef';
	pen.textBaseline = 'middle';
	pen.fillText(`${words}.${tenth}`, left + 12, 374);
	pen.font = '15px system-ui, sans-serif';
	pen.fillText('Demo camera', left + 12, 400);
}

function oval(
	pen: CanvasRenderingContext2D,
	x: number,
	y: number,
	rx: number,
	ry: number,
	colour: string,
): void {
	pen.fillStyle = colour;
	pen.beginPath();
	pen.ellipse(x, y, rx, ry, 0, 0, Math.PI * 2);
	pen.fill();
}
