//! `/verify`: the page behind the letter that asks whether an e-mail address is
//! right.

use bedside_app::{
    App, Error,
    verification::{self, Owner},
};
use bedside_model::notification::Language;

use super::{letter::Asks, notice::Words};

impl Asks for Owner {
    const UNKNOWN: Words<'static> = Words {
        language: "en",
        title: "This link does not count",
        sentence: "It may be cut off or too old, or another address was given since. Save your address again in your profile: a new letter comes.",
        button: None,
    };

    async fn find(app: &App, who: &str) -> Result<Option<Self>, Error> {
        verification::owner(app, who).await
    }

    async fn answer(&self, app: &App, by: (String, String)) -> Result<(), Error> {
        verification::confirm(app, self, by).await
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn question(&self) -> Words<'static> {
        match self.language {
            Language::English => Words {
                language: "en",
                title: "Is this address yours?",
                sentence: "The letter with this link came to the address in your profile. Confirm it, so that we know that our letters reach you.",
                button: Some("Yes, it is mine"),
            },
            Language::Spanish => Words {
                language: "es",
                title: "¿Es suya esta dirección?",
                sentence: "La carta con este enlace llegó a la dirección de su perfil. Confírmela para que sepamos que nuestras cartas le llegan.",
                button: Some("Sí, es mía"),
            },
        }
    }

    fn thanks(&self) -> Words<'static> {
        match self.language {
            Language::English => Words {
                language: "en",
                title: "Your address is confirmed",
                sentence: "There is nothing more to do. You can close this page.",
                button: None,
            },
            Language::Spanish => Words {
                language: "es",
                title: "Su dirección está confirmada",
                sentence: "No tiene que hacer nada más. Puede cerrar esta página.",
                button: None,
            },
        }
    }
}
