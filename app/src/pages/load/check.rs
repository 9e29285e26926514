//! The file that is checked: what is asked of the engine, and its answers as the page shows them.

use std::path::PathBuf;

use retail_engine::clean::Rules;
use retail_engine::config::ErrorLimit;
use retail_engine::flow::{CheckError, CheckRequest, LoadRequest, Resume, Until};
use retail_engine::handle::Command;
use retail_engine::intake::{CheckReport, IntakeError, Preview, ReadOptions};
use retail_engine::route::RoutingMap;

use crate::link::Pending;
use crate::pages::Cx;
use crate::views::load::happen::Happen;
use crate::views::load::preview::{self, PreviewView, Tab};
use crate::views::load::reading::{Readiness, Reading, blocked};
use crate::views::load::stages::Expected;

/// A file that cannot be read.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) message: String,
    pub(super) remedy: String,
    /// Columns that a line needs and the file lacks, by their usual names.
    pub(super) missing: Vec<String>,
    /// Columns of the file that could be those.
    pub(super) unused: Vec<String>,
}

/// What the head of the file says.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) preview: Preview,
    pub(super) rows: PreviewView,
    pub(super) reading: Reading,
}

/// The file that is checked.
pub(super) struct Check {
    pub(super) file: PathBuf,
    pub(super) bytes: Option<u64>,
    pub(super) options: ReadOptions,
    pub(super) rules: Rules,
    pub(super) limit_text: String,
    pub(super) rate_text: String,
    preview: Pending<Result<Preview, IntakeError>>,
    report: Pending<Result<Box<CheckReport>, CheckError>>,
    pub(super) head: Option<Result<Head, Refused>>,
    pub(super) counted: Option<Box<CheckReport>>,
    /// Why the whole file could not be counted.
    pub(super) uncounted: Option<(String, String)>,
    /// Whether another check took the place of the count of the whole file.
    pub(super) was_ended: bool,
    pub(super) happen: Option<Happen>,
    pub(super) tab: Tab,
    pub(super) selected: Option<usize>,
    /// Row that is to be brought into view.
    pub(super) scroll_to: Option<usize>,
    /// Whether the keyboard was put on the button that loads.
    pub(super) focused: bool,
}

impl Check {
    /// Begins with a file: asks for its head and for the whole of it.
    pub(super) fn begin(file: PathBuf, rules: Rules, cx: &Cx<'_>) -> Self {
        let flow = &cx.settings.flow;
        let limit = flow.error_limit;
        let mut check = Self {
            bytes: std::fs::metadata(&file).ok().map(|known| known.len()),
            file,
            options: ReadOptions::default(),
            rules,
            limit_text: limit.to_string(),
            rate_text: flow
                .rate_limit
                .map_or_else(String::new, |rate| rate.to_string()),
            preview: Pending::Idle,
            report: Pending::Idle,
            head: None,
            counted: None,
            uncounted: None,
            was_ended: false,
            happen: None,
            tab: Tab::All,
            selected: None,
            scroll_to: None,
            focused: false,
        };
        check.read_again(cx);
        check
    }

    fn request(&self) -> CheckRequest {
        CheckRequest {
            file: self.file.clone(),
            options: self.options.clone(),
            rules: self.rules,
        }
    }

    /// Asks for everything again: something about how the file is read has changed.
    pub(super) fn read_again(&mut self, cx: &Cx<'_>) {
        self.preview_again(cx);
        self.counted = None;
        self.uncounted = None;
        self.was_ended = false;
        self.happen = None;
        let request = Box::new(self.request());
        self.report = cx.link.ask(|reply| Command::Check(request, reply));
    }

    /// Asks for the head again: rules or routes have changed, which changes no count.
    pub(super) fn preview_again(&mut self, cx: &Cx<'_>) {
        let request = Box::new(self.request());
        self.preview = cx
            .link
            .ask(|reply| Command::Preview(request, preview::ROWS, reply));
    }

    /// Whether the head is being read.
    pub(super) fn is_reading(&self) -> bool {
        self.preview.waiting().is_some()
    }

    /// Whether the whole file is being counted.
    pub(super) fn is_counting(&self) -> bool {
        self.report.waiting().is_some()
    }

    /// Takes the answers that have come.
    pub(super) fn refresh(&mut self, cx: &Cx<'_>, map: Option<&RoutingMap>) {
        self.preview.poll(cx.ctx);
        self.report.poll(cx.ctx);
        match self.preview.take() {
            Some(Ok(preview)) => {
                self.head = Some(Ok(Head {
                    rows: PreviewView::of(&preview),
                    reading: Reading::of(&preview.plan, self.counted.as_deref()),
                    preview,
                }));
            }
            Some(Err(error)) => self.head = Some(Err(Refused::of(&error))),
            None => {}
        }
        if let Pending::Gone(gone) = self.preview {
            self.preview = Pending::Idle;
            self.head = Some(Err(Refused {
                message: gone.to_string(),
                remedy: "start the console again".to_owned(),
                missing: Vec::new(),
                unused: Vec::new(),
            }));
        }
        match self.report.take() {
            Some(Ok(report)) => {
                self.counted = Some(report);
                if let Some(Ok(head)) = &mut self.head {
                    head.reading = Reading::of(&head.preview.plan, self.counted.as_deref());
                }
                self.count(map);
            }
            Some(Err(CheckError::Intake(error))) => {
                self.uncounted = Some((error.to_string(), error.remedy().to_owned()));
            }
            Some(Err(CheckError::Cancelled)) => self.was_ended = true,
            None => {}
        }
    }

    /// What would become of the file under the rules and the map of now. Reads nothing.
    pub(super) fn count(&mut self, map: Option<&RoutingMap>) {
        let Some(report) = &self.counted else {
            return;
        };
        self.happen = Some(match map {
            Some(map) => Happen::of(report.rows, &report.what_if(&self.rules, map)),
            None => Happen::of(report.rows, &report.totals),
        });
    }

    /// The limit of rejected rows as typed.
    pub(super) fn limit(&self) -> Option<ErrorLimit> {
        let text = self.limit_text.trim();
        if text.is_empty() {
            return Some(ErrorLimit::None);
        }
        ErrorLimit::parse(text)
    }

    /// The limit of lines per second as typed; the outer `None` where it is none.
    pub(super) fn rate(&self) -> Result<Option<u64>, ()> {
        parse_rate(&self.rate_text)
    }

    /// Why the file cannot be loaded now.
    pub(super) fn blocked(&self, cx: &Cx<'_>) -> Option<String> {
        let head = self.head.as_ref();
        let running = cx
            .snapshot
            .load
            .as_ref()
            .map(|load| load.record.id.to_string());
        blocked(Readiness {
            readable: head.map(|head| head.is_ok() && self.uncounted.is_none()),
            dates: head
                .and_then(|head| head.as_ref().ok())
                .and_then(|head| head.reading.dates.value),
            running: running.as_deref(),
            bad_limit: self.limit().is_none(),
            bad_rate: self.rate().is_err(),
        })
    }

    /// The load of this file, as it is set.
    pub(super) fn load(&self) -> LoadRequest {
        let mut options = self.options.clone();
        // What only the whole file settled, the load cannot know from its head.
        if options.date_order.is_none()
            && let Some(Ok(head)) = &self.head
            && head.reading.dates.value != Some(head.preview.plan.date_order.value)
        {
            options.date_order = head.reading.dates.value;
        }
        LoadRequest {
            file: self.file.clone(),
            options,
            rules: self.rules,
            limit: self.limit().unwrap_or(ErrorLimit::None),
            until: Until::Closed,
            resume: Resume::WhereItStood,
        }
    }

    /// What the check says that there will be.
    pub(super) fn expected(&self) -> Option<Expected> {
        self.happen.as_ref().map(|happen| Expected {
            rows: happen.read,
            clean: happen.clean,
        })
    }

    /// The name of the file, without its folder.
    pub(super) fn name(&self) -> String {
        let name = self.file.file_name();
        name.map_or_else(
            || self.file.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        )
    }
}

/// Lines per second as typed: nothing is no limit.
pub(super) fn parse_rate(text: &str) -> Result<Option<u64>, ()> {
    let text: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '_')
        .collect();
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(0) => Ok(None),
        Ok(rate) => Ok(Some(rate)),
        Err(_not_a_count) => Err(()),
    }
}

impl Refused {
    fn of(error: &IntakeError) -> Self {
        let (missing, unused) = match error {
            IntakeError::MissingColumns {
                missing, unused, ..
            } => (missing.clone(), unused.clone()),
            _ => (Vec::new(), Vec::new()),
        };
        Self {
            message: error.to_string(),
            remedy: error.remedy().to_owned(),
            missing,
            unused,
        }
    }
}
