//! `ctl mail`: mails as their readers see them, without sending any.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use pitchey_notifications::Preview as Mail;

use crate::Failure;

/// What to do with mails.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show mails, each made from sample data: one of a template's, or all of them as files.
    Preview(Preview),
}

/// Which, and how.
#[derive(Debug, Args)]
pub struct Preview {
    /// A template, such as `nda-approved`. Without it: the names of all.
    template: Option<String>,
    /// The rich part instead of the plain one.
    #[arg(long)]
    html: bool,
    /// Write all of them into this folder instead, with an index.html to click through.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["template", "html"])]
    to: Option<PathBuf>,
    /// What links begin with.
    #[arg(long, default_value = "http://localhost:8001", value_name = "URL")]
    public_url: String,
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    let Command::Preview(arguments) = command;
    let mails = pitchey_notifications::previews(&arguments.public_url)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    match (&arguments.to, &arguments.template) {
        (Some(folder), _) => {
            write(folder, &mails).map_err(|error| Failure::Failed(format!("{}: {error}", folder.display())))
        }
        (None, Some(template)) => print(&mails, template, arguments.html),
        (None, None) => {
            for mail in &mails {
                println!("{:32} {}", mail.case, mail.subject);
            }
            Ok(())
        }
    }
}

fn print(mails: &[Mail], template: &str, html: bool) -> Result<(), Failure> {
    let of_template = |mail: &&Mail| mail.case.split(' ').next() == Some(template) || mail.case == template;
    let found: Vec<&Mail> = mails.iter().filter(of_template).collect();
    if found.is_empty() {
        return Err(Failure::Usage(format!(
            "there is no template {template}; `ctl mail preview` lists them"
        )));
    }
    for Mail { case, subject, text, html: rich } in found {
        let body = if html { rich } else { text };
        println!("--- {case}\nSubject: {subject}\n\n{body}\n");
    }
    Ok(())
}

fn write(folder: &Path, mails: &[Mail]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut index = String::from("<!doctype html><meta charset=\"utf-8\"><title>Mails</title><ul>\n");
    for Mail { case, subject, text, html } in mails {
        let name = case.replace(' ', "_");
        std::fs::write(folder.join(format!("{name}.txt")), format!("Subject: {subject}\n\n{text}\n"))?;
        std::fs::write(folder.join(format!("{name}.html")), html)?;
        // Names and subjects are our own words.
        let _ = writeln!(
            index,
            "<li><a href=\"{name}.html\">{subject}</a> ({case}, <a href=\"{name}.txt\">text</a>)"
        );
    }
    std::fs::write(folder.join("index.html"), index + "</ul>\n")?;
    println!("{} mails in {}", mails.len(), folder.display());
    Ok(())
}
