//! The text of a transcript of requests. It is written by hand but for the answers, and rendered back the same.
//!
//! A line says by its first character what it is: `#` a comment, `@` how to take the next step, `>` the request (method and
//! path, then headers), `<` the answer (code, then headers). Everything else is the body of what came last.

/// A file.
pub struct Transcript {
    pub parts: Vec<Part>,
}

/// What a file consists of.
pub enum Part {
    /// Comments and empty lines.
    Prose(String),
    Step(Step),
}

/// One request and its answer.
#[derive(Default)]
pub struct Step {
    pub directives: Vec<Directive>,
    /// The lines before the answer, as they are.
    pub authored: Vec<String>,
    pub request: Request,
    /// The lines of the answer, as they are.
    pub answer: Vec<String>,
}

#[derive(Default)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// How a step is taken.
#[derive(Clone, Debug, PartialEq)]
pub enum Directive {
    /// Repeat until the answer has this value at this path; `code` is the path of the code.
    Until(String, serde_json::Value),
    /// Render only what is at these paths.
    Show(Vec<String>),
    /// Do not render what is at this path.
    Hide(String),
    /// Render `<masked>` for what is at this path.
    Mask(String),
    /// Render what the JSON Web Token at this path says beside it.
    Claims(String),
    /// Order the list at this path by its content: its names are random.
    Sort(String),
    /// Keep managedFields, which are removed otherwise.
    KeepManagedFields,
    /// It is a watch: read so many events, or all until it closes.
    Events(Option<usize>),
    /// Send the body as it is instead of as JSON.
    Raw,
    /// The body is in base 64.
    Base64,
    /// Only the real one answers this: others skip it.
    RealOnly,
}

impl Transcript {
    pub fn parse(text: &str) -> Transcript {
        let mut parts = Vec::new();
        let mut prose = String::new();
        let mut step: Option<Step> = None;
        for line in text.lines() {
            let first = line.chars().next();
            let ends = match first {
                Some('#' | '@') => step.as_ref().is_some_and(|step| !step.request.method.is_empty()),
                Some('>') => is_request(line) && step.as_ref().is_some_and(|step| !step.request.method.is_empty()),
                _ => false,
            };
            if ends && let Some(step) = step.take() {
                parts.push(Part::Step(step));
            }
            if step.is_none() && matches!(first, Some('#') | None) {
                prose.push_str(line);
                prose.push('\n');
                continue;
            }
            if !prose.is_empty() {
                parts.push(Part::Prose(std::mem::take(&mut prose)));
            }
            step.get_or_insert_default().line(line);
        }
        parts.extend(step.map(Part::Step));
        Transcript { parts }
    }
}

/// Whether a line begins a request; what was not recorded yet has no answer before it.
fn is_request(line: &str) -> bool {
    line.strip_prefix("> ").and_then(|line| line.split_once(" /")).is_some_and(|(method, _)| !method.contains(':'))
}

impl Step {
    fn line(&mut self, line: &str) {
        if line.starts_with('<') || !self.answer.is_empty() {
            self.answer.push(line.to_owned());
            return;
        }
        if let Some(directive) = line.strip_prefix('@') {
            self.directives.push(Directive::parse(directive.trim()));
        } else if let Some(header) = line.strip_prefix("> ") {
            match header.split_once(": ") {
                _ if self.request.method.is_empty() => {
                    let (method, target) = header.split_once(' ').expect("METHOD PATH");
                    (self.request.method, self.request.target) = (method.to_owned(), target.to_owned());
                }
                Some((name, value)) => self.request.headers.push((name.to_owned(), value.to_owned())),
                None => panic!("{header:?} is neither a request nor a header"),
            }
        } else if line.is_empty() && self.request.body.is_empty() {
            return;
        } else {
            self.request.body.push_str(line);
            self.request.body.push('\n');
        }
        self.authored.push(line.to_owned());
    }

    pub fn has(&self, directive: &Directive) -> bool {
        self.directives.contains(directive)
    }

    /// What was recorded, as a rendered answer.
    pub fn recorded(&self) -> String {
        format!("{}\n", self.answer.join("\n").trim_end())
    }

    /// The step with this answer.
    pub fn render(&self, answer: &str) -> String {
        format!("{}\n{}\n", self.authored.join("\n").trim_end(), answer)
    }
}

impl Directive {
    fn parse(text: &str) -> Directive {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match (word, rest) {
            ("until", condition) => {
                let (path, value) = condition.split_once(" = ").expect("@ until PATH = VALUE");
                Directive::Until(path.to_owned(), serde_saphyr::from_str(value).expect("a value in YAML"))
            }
            ("show", paths) => Directive::Show(paths.split(' ').map(str::to_owned).collect()),
            ("hide", path) => Directive::Hide(path.to_owned()),
            ("mask", path) => Directive::Mask(path.to_owned()),
            ("claims", path) => Directive::Claims(path.to_owned()),
            ("sort", path) => Directive::Sort(path.to_owned()),
            ("keep", "managedFields") => Directive::KeepManagedFields,
            ("events", "") => Directive::Events(None),
            ("events", count) => Directive::Events(Some(count.parse().expect("@ events NUMBER"))),
            ("raw", "") => Directive::Raw,
            ("base64", "") => Directive::Base64,
            ("real", "only") => Directive::RealOnly,
            _ => panic!("unknown directive: @ {text}"),
        }
    }
}

#[test]
fn a_transcript_renders_back_as_it_was_written() {
    let text =
        "# Title\n\n## One\n@ until /a = 1\n> POST /x?y\n> Accept: z\na: 1\n\n< 201\nb: 2\n\n> GET /x\n< 404\nno\n\n";
    let parts = Transcript::parse(text).parts;
    let rendered = parts.iter().map(|part| match part {
        Part::Prose(prose) => prose.clone(),
        Part::Step(step) => step.render(&step.recorded()),
    });
    assert_eq!(rendered.collect::<String>(), text.replace("a: 1\n\n<", "a: 1\n<"));
}
