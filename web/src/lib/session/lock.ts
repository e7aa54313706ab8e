// A button anywhere on a page of staff asks for the lock; the component that locks hears it.
let locks: (() => void) | null = null;

/** Hears the wish to lock; gives the way to stop. */
export function onLockWanted(heed: () => void): () => void {
	locks = heed;
	return () => {
		locks = null;
	};
}

/** Locks this browser's pages of the person who is signed in. */
export function lockPage(): void {
	locks?.();
}
