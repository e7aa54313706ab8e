import type { CallDebug } from '#lib/call/engine.ts';

declare global {
	interface Window {
		/** The running call's figures, for tests and for a support person at the console. Holds no secret. */
		__bedside_call?: CallDebug;
	}
}
