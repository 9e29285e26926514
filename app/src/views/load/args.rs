//! A load as the arguments of the headless program.

use std::path::Path;

use retail_engine::clean::DateOrder;
use retail_engine::config::ErrorLimit;
use retail_engine::flow::LoadRequest;
use retail_engine::intake::{Delimiter, TextEncoding};
use retail_engine::model::Region;

/// The arguments that load the same file in the same way. `rules` is the file that holds the
/// rules, where they are not those built in.
pub fn load(request: &LoadRequest, rate: Option<u64>, rules: Option<&Path>) -> Vec<String> {
    let mut args = vec!["load".to_owned(), request.file.display().to_string()];
    let mut option = |name: &str, value: String| args.extend([name.to_owned(), value]);
    let options = &request.options;
    if let Some(encoding) = options.encoding {
        option("--encoding", encoding_arg(encoding).to_owned());
    }
    if let Some(delimiter) = options.delimiter {
        option("--delimiter", delimiter_arg(delimiter).to_owned());
    }
    if let Some(order) = options.date_order {
        let order = match order {
            DateOrder::MonthFirst => "month-first",
            DateOrder::DayFirst => "day-first",
        };
        option("--date-order", order.to_owned());
    }
    if let Some(mark) = options.decimal {
        option("--decimal", mark.name().to_owned());
    }
    for (column, name) in &options.columns {
        option("--column", format!("{}={name}", column.name()));
    }
    if let Some(rules) = rules {
        option("--rules", rules.display().to_string());
    }
    if request.limit != ErrorLimit::None {
        option("--max-rejects", request.limit.to_string());
    }
    if let Some(rate) = rate {
        option("--rate", rate.to_string());
    }
    args
}

const fn encoding_arg(encoding: TextEncoding) -> &'static str {
    match encoding {
        TextEncoding::Utf8 => "utf-8",
        TextEncoding::Utf16Le => "utf-16le",
        TextEncoding::Utf16Be => "utf-16be",
        TextEncoding::Windows1252 => "windows-1252",
    }
}

const fn delimiter_arg(delimiter: Delimiter) -> &'static str {
    match delimiter {
        Delimiter::Comma => "comma",
        Delimiter::Semicolon => "semicolon",
        Delimiter::Tab => "tab",
        Delimiter::Pipe => "pipe",
    }
}

/// The arguments of the program that put a country in a region.
pub fn assign_args(country: &str, region: Region) -> Vec<String> {
    let args = ["route", "assign", "--", country, region.slug()];
    args.map(str::to_owned).into()
}

/// The arguments of the program that take back the last change of the routing map.
pub const UNDO_ROUTING: [&str; 2] = ["route", "undo"];

#[cfg(test)]
mod tests {
    use retail_engine::clean::{DecimalMark, Rules};
    use retail_engine::flow::{Resume, Until};
    use retail_engine::intake::{Column, ReadOptions};

    use super::*;

    #[test]
    fn what_was_chosen_is_said_and_what_was_not_is_left_out() {
        let mut request = LoadRequest {
            file: "sales.csv".into(),
            options: ReadOptions::default(),
            rules: Rules::builtin().unwrap(),
            limit: ErrorLimit::None,
            until: Until::Closed,
            resume: Resume::WhereItStood,
        };
        assert_eq!(load(&request, None, None), ["load", "sales.csv"]);
        request.options.date_order = Some(DateOrder::DayFirst);
        request.options.encoding = Some(TextEncoding::Windows1252);
        request.options.decimal = Some(DecimalMark::Comma);
        request
            .options
            .columns
            .insert(Column::UnitPrice, "Preis".into());
        request.limit = ErrorLimit::Percent(2.5);
        assert_eq!(
            load(&request, Some(500), Some(Path::new("r.toml"))).join(" "),
            "load sales.csv --encoding windows-1252 --date-order day-first --decimal \
             comma --column UnitPrice=Preis --rules r.toml --max-rejects 2.5% --rate 500"
        );
    }
}
