/** The page that a run leaves behind: {@link io.fedlearn.examples.report.HtmlReport}, its tables and its charts. */
package io.fedlearn.examples.report;
