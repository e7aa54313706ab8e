// What a site says when it makes a call: options in Jitsi's spelling, and the fields that sign-on and visit give. Pure.
import type { Wishes } from '../src/lib/embed/protocol.ts';

export interface Options {
	/** The call: `meeting.meeting_id` of the visit. */
	roomName?: string;
	meeting?: string;
	parentNode?: Element;
	width?: number | string;
	height?: number | string;
	/** The token, where it is not in `data.vsee.token`. */
	jwt?: string;
	/** `data` of `POST /users/sso?fields=vsee` and of the visit, as they came. */
	data?: {
		vsee?: { id?: string; token?: string };
		meeting?: { meeting_id?: string };
	};
	configOverwrite?: {
		startWithAudioMuted?: boolean;
		startWithVideoMuted?: boolean;
		startAudioOnly?: boolean;
		defaultLanguage?: string;
		subject?: string;
		toolbarButtons?: string[];
	};
	interfaceConfigOverwrite?: { TOOLBAR_BUTTONS?: string[] };
	userInfo?: { displayName?: string; email?: string };
	lang?: string;
	/** The server speaks plain HTTP: for trying things on one machine. */
	noSSL?: boolean;
	onload?: () => void;
}

/** The address that the domain stands for, without a slash at its end. */
export function baseOf(domain: string, { noSSL = false }: Pick<Options, 'noSSL'>, script: string): string {
	const bare = domain.trim().replace(/\/+$/, '');
	if (/^https?:\/\//i.test(bare)) return bare;
	const own = script ? new URL(script) : null;
	// A script that came from there in the plain says how to get there.
	const plain = noSSL || (own?.protocol === 'http:' && own.host === bare.split('/')[0]);
	return `${plain ? 'http' : 'https'}://${bare}`;
}

export function pageAddress(base: string, meeting: string, origin: string, lang: string): string {
	const said = new URLSearchParams({ origin, ...(lang ? { lang } : {}) });
	return `${base}/call/${encodeURIComponent(meeting)}#${said}`;
}

export function wishesOf(options: Options): Wishes {
	const config = options.configOverwrite ?? {};
	const buttons = config.toolbarButtons ?? options.interfaceConfigOverwrite?.TOOLBAR_BUTTONS;
	const id = options.data?.vsee?.id;
	return {
		token: options.data?.vsee?.token ?? options.jwt ?? '',
		...(id ? { id } : {}),
		...(config.startWithAudioMuted ? { startMuted: true } : {}),
		...(config.startWithVideoMuted || config.startAudioOnly ? { startWithoutVideo: true } : {}),
		...(config.subject ? { subject: config.subject } : {}),
		...(buttons ? { buttons: buttons.map(String) } : {}),
	};
}

/** Why there is nothing to show at all; null when there is. */
export function problemOf(meeting: string, wishes: Wishes, origin: string): string | null {
	if (!meeting) return 'no_meeting';
	if (!wishes.token) return 'no_token';
	// A page from a file or a sandbox has no name that a clinic could list.
	return origin === 'null' ? 'origin_refused' : null;
}

export function size(length: number | string | undefined): string {
	if (length === undefined || length === '') return '100%';
	if (typeof length === 'number' || /^\d+$/.test(length)) return `${length}px`;
	return /^\d+(\.\d+)?(px|%|em|pt|vh|vw|rem)$/.test(length) ? length : '100%';
}
