//! `/unsubscribe`: the way out of letters. A mail program posts once and is done
//! (RFC 8058); a person looks at the page and presses its button.

use bedside_app::{
    App, Error,
    notifications::{self, Reader},
};
use bedside_model::notification::Language;

use super::{letter::Asks, notice::Words};

impl Asks for Reader {
    const UNKNOWN: Words<'static> = Words {
        language: "en",
        title: "We don't know this link",
        sentence: "It may be cut off. Copy the whole link from the letter, or ask the clinic to end its letters to you.",
        button: None,
    };

    async fn find(app: &App, who: &str) -> Result<Option<Self>, Error> {
        notifications::reader(app, who).await
    }

    async fn answer(&self, app: &App, by: (String, String)) -> Result<(), Error> {
        notifications::stop(app, self, by).await
    }

    fn is_done(&self) -> bool {
        self.is_done
    }

    fn question(&self) -> Words<'static> {
        match self.language {
            Language::English => Words {
                language: "en",
                title: "No more letters?",
                sentence: "Reminders and news of your visits will not be mailed to you any more. What you ask for yourself, such as a new password, still is.",
                button: Some("End these letters"),
            },
            Language::Spanish => Words {
                language: "es",
                title: "¿No recibir más cartas?",
                sentence: "Ya no se le enviarán por correo recordatorios ni noticias de sus visitas. Lo que pida usted, como una contraseña nueva, sí.",
                button: Some("No recibir más cartas"),
            },
        }
    }

    fn thanks(&self) -> Words<'static> {
        match self.language {
            Language::English => Words {
                language: "en",
                title: "You get no more letters",
                sentence: "If you change your mind, tell the clinic.",
                button: None,
            },
            Language::Spanish => Words {
                language: "es",
                title: "Ya no recibirá cartas",
                sentence: "Si cambia de opinión, dígaselo a la clínica.",
                button: None,
            },
        }
    }
}
