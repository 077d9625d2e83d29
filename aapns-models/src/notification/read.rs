//! Reading JSON objects with errors that name the path.

use serde_json::{Map, Value};

use crate::InvalidNotification;

/// An object being read: what is known is taken out, what is left over doesn't belong there.
#[derive(Debug)]
pub(crate) struct Object {
    path: String,
    map: Map<String, Value>,
}

impl Object {
    /// A value that must be an object; the path is where it stands, empty for the outermost.
    pub(crate) fn new(path: String, value: Value) -> Result<Self, InvalidNotification> {
        match value {
            Value::Object(map) => Ok(Self { path, map }),
            _ if path.is_empty() => Err(InvalidNotification::field(
                "notification",
                "must be an object",
            )),
            _ => Err(InvalidNotification::field(path, "must be an object")),
        }
    }

    /// The error that a key breaks a rule.
    pub(crate) fn invalid(&self, key: &str, rule: impl Into<String>) -> InvalidNotification {
        InvalidNotification::field(self.path_of(key), rule.into())
    }

    fn path_of(&self, key: &str) -> String {
        match &*self.path {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    /// Takes a value of any kind; `null` is absent.
    pub(crate) fn value(&mut self, key: &str) -> Option<Value> {
        self.map.remove(key).filter(|value| !value.is_null())
    }

    /// Takes what one of the readers below reads; a value of another kind breaks the rule.
    fn read<T>(
        &mut self,
        key: &str,
        rule: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, InvalidNotification> {
        match self.value(key) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(read) => Ok(Some(read)),
                None => Err(self.invalid(key, rule)),
            },
        }
    }

    /// Whether it has no key.
    pub(crate) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// A value that stays in its place.
    pub(crate) fn peek(&self, key: &str) -> Option<&Value> {
        self.map.get(key)
    }

    /// Whether a key is a text.
    pub(crate) fn is_text(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(Value::is_string)
    }

    /// Takes a text.
    pub(crate) fn text(&mut self, key: &str) -> Result<Option<String>, InvalidNotification> {
        self.read(key, "must be a string", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    /// Takes a text that must be there.
    pub(crate) fn required_text(&mut self, key: &str) -> Result<String, InvalidNotification> {
        self.text(key)?
            .ok_or_else(|| self.invalid(key, "must be there"))
    }

    /// Takes a text that is read on, by the rule that its type states.
    pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        key: &str,
    ) -> Result<Option<T>, InvalidNotification> {
        match self.text(key)? {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(parsed) => Ok(Some(parsed)),
                Err(error) => Err(self.invalid(key, error.to_string())),
            },
        }
    }

    /// Takes a list of texts.
    pub(crate) fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, InvalidNotification> {
        self.read(key, "must be a list of strings", |value| {
            serde_json::from_value(value).ok()
        })
    }

    /// Takes an integer, 0 or more.
    pub(crate) fn integer(&mut self, key: &str) -> Result<Option<u64>, InvalidNotification> {
        self.read(key, "must be an integer, 0 or more", |value| value.as_u64())
    }

    /// Takes an integer that must be there.
    pub(crate) fn required_integer(&mut self, key: &str) -> Result<u64, InvalidNotification> {
        self.integer(key)?
            .ok_or_else(|| self.invalid(key, "must be there"))
    }

    /// Takes an integer from 0 to 2³² − 1.
    pub(crate) fn count(&mut self, key: &str) -> Result<Option<u32>, InvalidNotification> {
        self.read(key, "must be an integer from 0 to 4294967295", |value| {
            value.as_u64().and_then(|number| number.try_into().ok())
        })
    }

    /// Takes a number.
    pub(crate) fn number(&mut self, key: &str) -> Result<Option<f64>, InvalidNotification> {
        self.read(key, "must be a number", |value| value.as_f64())
    }

    /// Takes one of Apple's flags: 1 is set, 0 or absent isn't.
    pub(crate) fn flag(&mut self, key: &str) -> Result<bool, InvalidNotification> {
        let flag = self.read(key, "must be the number 1", |value| match value.as_u64() {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        })?;
        Ok(flag.unwrap_or(false))
    }

    /// Takes a boolean.
    pub(crate) fn boolean(&mut self, key: &str) -> Result<bool, InvalidNotification> {
        let boolean = self.read(key, "must be true or false", |value| value.as_bool())?;
        Ok(boolean.unwrap_or(false))
    }

    /// Takes an object.
    pub(crate) fn object(&mut self, key: &str) -> Result<Option<Self>, InvalidNotification> {
        match self.value(key) {
            None => Ok(None),
            Some(value) => Self::new(self.path_of(key), value).map(Some),
        }
    }

    /// Takes an object that must be there.
    pub(crate) fn required_object(&mut self, key: &str) -> Result<Self, InvalidNotification> {
        self.object(key)?
            .ok_or_else(|| self.invalid(key, "must be there"))
    }

    /// What is left over, where any key is welcome.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.map
    }

    /// Nothing may be left over.
    pub(crate) fn finish(self) -> Result<(), InvalidNotification> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(key) => Err(self.invalid(key, "is not a key that belongs here")),
        }
    }
}
