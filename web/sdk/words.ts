// The few sentences that stand on the site's own page, where the call's page cannot speak. Pure.

interface Words {
	title: string;
	me: string;
	problems: Record<string, string>;
}

const english: Words = {
	title: 'Video call',
	me: 'me',
	problems: {
		origin_refused:
			'The clinic does not let this site show its calls. Its administrator can add this site to the list of embedding sites.',
		unreachable: 'The call cannot be reached right now. Check your connection and load the page again.',
		no_meeting: 'The site did not say which call to show.',
		no_token: 'The site did not say who you are. Sign in there again.',
	},
};

const spanish: Words = {
	title: 'Videollamada',
	me: 'yo',
	problems: {
		origin_refused:
			'La clínica no permite que este sitio muestre sus llamadas. Su administrador puede añadir este sitio a la lista.',
		unreachable:
			'No se puede acceder a la llamada en este momento. Compruebe su conexión y vuelva a cargar la página.',
		no_meeting: 'El sitio no ha indicado qué llamada mostrar.',
		no_token: 'El sitio no ha indicado quién es usted. Inicie sesión allí de nuevo.',
	},
};

export function words(lang: string): Words {
	const wanted = lang || (typeof navigator === 'undefined' ? '' : navigator.language);
	return wanted.toLowerCase().startsWith('es') ? spanish : english;
}
