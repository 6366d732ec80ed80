//! What is wrong with a prompt.

use std::fmt;

use crate::edit::Edit;
use crate::span::Span;

/// One thing in a prompt that will not be drawn as meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which rule; never changes its meaning.
    pub code: Code,
    /// Where; empty, at the end of the prompt, for what is missing in all of it.
    pub span: Span,
    /// Why it matters, in one sentence for people.
    pub reason: String,
    /// What would help. Made alone, it takes this finding away and adds none.
    pub rewrite: Option<Edit>,
}

impl Finding {
    /// How much it matters; the same for all findings of a code.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The picture may be better otherwise.
    Hint,
    /// The picture is likely to miss what is meant.
    Warning,
    /// Something that the prompt names is not applied.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Hint => "hint",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $severity:ident;)+) => {
        /// The rules, by their stable codes: S1 the shot, S2 characters, S3
        /// framing, S4 several characters, S5 setting and light.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $($(#[$doc])* $name,)+
        }

        impl Code {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code: "S101".
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// How much a finding of this code matters.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)+
                }
            }
        }
    };
}

codes! {
    /// S101: the prompt does not open with a shot phrase.
    NoOpeningShot = "S101", Error;
    /// S102: a second shot is named.
    SecondShot = "S102", Warning;
    /// S103: the shot is named by an alias, not by its phrase.
    ShotAlias = "S103", Hint;
    /// S201: someone who is no character: "a man".
    Stranger = "S201", Warning;
    /// S202: a token without its class.
    TokenWithoutClass = "S202", Error;
    /// S203: a token with a class that is not the character's.
    OtherClass = "S203", Error;
    /// S204: a character under an alias, which activates nothing.
    CharacterAlias = "S204", Error;
    /// S205: a name that no character has.
    UnknownName = "S205", Warning;
    /// S301: the lower body in a framing that does not hold it.
    LowerBody = "S301", Warning;
    /// S302: nothing keeps the model from closing in.
    NoAnchor = "S302", Hint;
    /// S303: figures before the surroundings in a wide framing.
    EnvironmentLate = "S303", Warning;
    /// S304: a facial expression in a wide framing.
    Expression = "S304", Warning;
    /// S305: a detailed pose in a wide framing.
    DetailedPose = "S305", Warning;
    /// S306: an emotional cue, which pulls the framing closer.
    EmotionalCue = "S306", Warning;
    /// S307: a verb of the whole body, which pulls the framing wider.
    WideVerb = "S307", Warning;
    /// S401: several characters, and their number is not said.
    PeopleNotCounted = "S401", Warning;
    /// S402: the number of people is not that of those who are named.
    PeopleMiscounted = "S402", Warning;
    /// S403: one of several characters has no position.
    NoPosition = "S403", Warning;
    /// S404: two characters share a clause.
    SharedClause = "S404", Warning;
    /// S405: two characters have the same position.
    SamePosition = "S405", Warning;
    /// S406: one of several characters does nothing.
    NoAction = "S406", Hint;
    /// S501: no setting.
    NoSetting = "S501", Warning;
    /// S502: no light.
    NoLight = "S502", Warning;
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
