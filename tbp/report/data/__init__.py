"""The files of the site for scripts and other programs: charts, runs, summary.json, points.csv, feed.xml."""
