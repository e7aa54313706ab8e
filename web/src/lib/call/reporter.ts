// Tells the server how this page's connection to a call is: a while after entering, regularly, and at the end. What
// does not arrive is not tried again; the next report holds it too.
import { deviceName, type Recorder, reportAfter, type TellRecord } from './record.ts';

export class Reporter {
	readonly #recorder: Recorder;
	readonly #tell: TellRecord;
	readonly #device: string;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#ended = false;

	constructor(recorder: Recorder, tell: TellRecord) {
		this.#recorder = recorder;
		this.#tell = tell;
		this.#device = deviceName(navigator.userAgent);
	}

	/** The call was entered. Entering it again changes nothing. */
	begin(): void {
		if (this.#timer !== undefined || this.#ended) return;
		window.addEventListener('pagehide', this.#leave);
		this.#next(reportAfter.first);
	}

	end(): void {
		if (this.#ended) return;
		this.#ended = true;
		clearTimeout(this.#timer);
		window.removeEventListener('pagehide', this.#leave);
		if (this.#recorder.sid) this.#send(true);
	}

	#leave = () => this.end();

	#next(after: number) {
		this.#timer = setTimeout(() => {
			this.#send(false);
			this.#next(reportAfter.next);
		}, after);
	}

	#send(over: boolean) {
		void this.#tell(this.#recorder.report(over, this.#device)).catch(() => undefined);
	}
}
