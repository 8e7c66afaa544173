"""What the intake desk's cases share: parts of a mail, personal data, urgency, rules, answers from sources."""  # noqa: E501
