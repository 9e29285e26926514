//! The result of a drill as one table: each figure, each step and each point of a course is a row,
//! so that a spreadsheet can filter and draw them.

use super::{Report, Setting};

/// Columns of the table.
const COLUMNS: [&str; 5] = ["part", "what", "ms_after_fault", "value", "unit"];

impl Report {
    /// The report as CSV, comma-separated, UTF-8. What was not measured is an empty value.
    pub fn to_csv(&self) -> Result<String, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(COLUMNS)?;
        let result = &self.result;
        let setting = match self.setting {
            Setting::Simulated => "simulated",
            Setting::Live => "live",
        };
        let text = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        let converged = result.converged.map(|equal| equal.to_string());
        let figures = [
            ("scenario", result.scenario.title.to_owned(), ""),
            ("setting", setting.to_owned(), ""),
            ("cancelled after", text(result.cancelled_after_ms), "ms"),
            ("time to detect", text(result.detected_ms), "ms"),
            ("RTO", text(result.rto_ms), "ms"),
            ("RPO", text(result.rpo_lines), "lines"),
            ("longest stall", text(result.longest_stall_ms), "ms"),
            ("most hints", text(result.hints_peak), "hints"),
            ("replicas equal", converged.unwrap_or_default(), ""),
        ];
        for (what, value, unit) in figures {
            writer.write_record(["figure", what, "", &value, unit])?;
        }
        for lost in &result.lost {
            writer.write_record(["lost", &lost.to_string(), "", "", ""])?;
        }
        for level in &result.writes {
            for (end, count) in [("ok", level.ok), ("failed", level.failed)] {
                let what = format!("writes at {} {end}", level.level);
                writer.write_record(["figure", &what, "", &count.to_string(), "writes"])?;
            }
        }
        for step in &result.steps {
            let at = step.at.map(|at| at.to_rfc3339()).unwrap_or_default();
            let after = text(step.after_fault_ms);
            writer.write_record(["step", step.step.name(), &after, &at, ""])?;
        }
        for series in &self.series {
            for (ms, value) in &series.points {
                let value = value.filter(|value| value.is_finite());
                let value = value.map(|value| value.to_string()).unwrap_or_default();
                let at = ms.to_string();
                writer.write_record(["course", &series.name, &at, &value, &series.unit])?;
            }
        }
        let bytes = writer
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::*;

    #[test]
    fn every_row_has_a_cell_per_column_and_what_was_not_measured_is_empty() {
        let text = report(Setting::Live).to_csv().unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        let value = |what: &str| {
            let row = rows.iter().find(|row| &row[1] == what).unwrap();
            row[3].to_owned()
        };
        assert_eq!(value("setting"), "live");
        assert_eq!(value("RPO"), "");
        assert_eq!(rows.iter().filter(|row| &row[0] == "step").count(), 9);
        let course: Vec<_> = rows.iter().filter(|row| &row[0] == "course").collect();
        let values: Vec<_> = course.iter().map(|row| &row[3]).collect();
        assert_eq!(values, ["10", "", "", "4"], "a gap is no zero");
    }
}
