// Where our pages are. A clinic's portal may put them below a path of its own (`/vc/next`): the server
// tells the app by SvelteKit's base, and a page at the root is another app then.
import { goto } from '$app/navigation';
import { resolve } from '$app/paths';

/** The address of one of our pages, such as `/u/main`, below the path under which the app was opened. */
export function below(path: string): string {
	const root: string = resolve('/');
	return path.startsWith(root) ? path : root + path.replace(/^\//, '');
}

/** Goes to one of our pages. */
export async function go(path: string, options?: { replaceState?: boolean }): Promise<void> {
	await goto(below(path), options);
}
