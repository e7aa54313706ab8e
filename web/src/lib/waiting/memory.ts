// What this tab remembers of a visit over a reload. Ids and yes/no only, gone when the tab closes.

export interface VisitMemory {
	checked: boolean;
	/** Went on without a camera. */
	soundOnly: boolean;
	joined: boolean;
	away: boolean;
	/** The way back to the portal, for when the session has ended. */
	back: { url: string; name: string } | null;
	/** Has stood in the waiting room before on this tab. */
	waited: boolean;
}

const fresh: VisitMemory = {
	checked: false,
	soundOnly: false,
	joined: false,
	away: false,
	back: null,
	waited: false,
};

const key = (visitId: string) => `bedside.visit.${visitId}`;

export function recall(visitId: string): VisitMemory {
	try {
		const text = sessionStorage.getItem(key(visitId));
		return { ...fresh, ...(text ? (JSON.parse(text) as Partial<VisitMemory>) : {}) };
	} catch {
		// Storage can be forbidden; then a reload starts at the check again.
		return { ...fresh };
	}
}

export function remember(visitId: string, memory: VisitMemory): void {
	try {
		sessionStorage.setItem(key(visitId), JSON.stringify(memory));
	} catch {
		// See above.
	}
}
