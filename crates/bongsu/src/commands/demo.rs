//! `demo`: two nodes on loopback through the whole story.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::Common;
use crate::commands::serve::{runtime, start_log, stop_signal};
use crate::demo::{Document, Story};
use crate::error::CliError;
use crate::out::{Format, Out, say};

/// Run two nodes, Seoul and Washington, on this machine through the whole story.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  bongsu demo\n  bongsu demo --once --data ./demo\n\nWithout --data the nodes live in a temporary folder that goes with the program. Without --once the nodes stay up,\nand the program prints where to look."
)]
pub(crate) struct Demo {
    /// Go through the story, check each step, print one document, and end
    #[arg(long, env = "BONGSU_ONCE", value_parser = clap::builder::FalseyValueParser::new())]
    once: bool,
    /// The folder for both nodes' data (DIR/seoul, DIR/washington); must hold no nodes yet
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(crate) fn run(args: Demo, common: &Common) -> Result<ExitCode, CliError> {
    let out = common.out();
    if std::env::var_os("BONGSU_LOG").is_some() {
        start_log();
    }
    let (folder, _temporary) = match args.data {
        Some(folder) => (folder, None),
        None => {
            let temporary = tempfile::Builder::new()
                .prefix("bongsu-demo-")
                .tempdir()
                .map_err(CliError::io(std::env::temp_dir()))?;
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    for node in ["seoul", "washington"] {
        if folder.join(node).exists() {
            let message =
                format!("`{}` holds a node already; give an empty folder", folder.join(node).display());
            return Err(CliError::Usage(message));
        }
    }
    runtime()?.block_on(async {
        let mut story = Story::start(&folder, out.format() == Format::Text).await?;
        story.tell().await;
        let ok = story.ok();
        if args.once {
            let document = story.end().await;
            print(out, &document)?;
        } else {
            show(&out, &story)?;
            stop_signal().await;
            story.end().await;
        }
        Ok(if ok { ExitCode::SUCCESS } else { ExitCode::from(1) })
    })
}

fn print(out: Out, document: &Document) -> Result<(), CliError> {
    if out.format() != Format::Text {
        return out.document("bongsu.demo/1", document);
    }
    let mut list = out.list("bongsu.demo/1");
    for step in &document.steps {
        list.item(&json!({"step": step.step, "ok": step.ok, "milliseconds": step.milliseconds, "detail": step.detail}))?;
    }
    list.finish()?;
    out.document(
        "bongsu.demo/1",
        &json!({"ok": document.ok, "nodes": document.nodes, "counts": document.counts}),
    )
}

fn show(out: &Out, story: &Story) -> Result<(), CliError> {
    for (name, url, enter) in story.consoles()? {
        if out.format() == Format::Text {
            say(&format!("{name:<12} open once {enter}"));
        } else {
            let node = json!({"schema": "bongsu.demo-node/1", "node": name, "url": url, "enter": enter});
            // A line at a time, flushed: whoever starts the demo waits for these.
            let mut list = out.list("bongsu.demo-node/1");
            list.item(&node)?;
            list.finish()?;
        }
    }
    if out.format() == Format::Text {
        say("\nPost a report in one window and watch it appear in the other. Ctrl-C ends both nodes.");
    }
    Ok(())
}
