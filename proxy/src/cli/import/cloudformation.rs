//! What intrinsic functions of CloudFormation come to, as far as it can be known before the stack is there.

use super::yaml::{Data, Entry, Node};

/// Functions within functions.
const MOST_LEVELS: usize = 20;

/// The resources of a service.
pub(super) struct Template<'a> {
    sections: Vec<&'a Node>,
    pub(super) region: &'a str,
    stack: &'a str,
}

impl<'a> Template<'a> {
    /// `resources`, which is one table or a list of them.
    pub(super) fn of(tree: &'a Node, region: &'a str, stack: &'a str) -> Self {
        let resources = tree.get("resources");
        let sections = match resources.map(|node| &node.data) {
            Some(Data::List(list)) => list.iter().collect(),
            Some(_) => resources.into_iter().collect(),
            None => Vec::new(),
        };
        Self {
            sections,
            region,
            stack,
        }
    }

    /// The resources of a type.
    pub(super) fn resources(&self, kind: &str) -> impl Iterator<Item = &'a Entry> {
        self.sections
            .iter()
            .flat_map(move |section| {
                ["Resources", "extensions"]
                    .into_iter()
                    .filter_map(|part| section.get(part))
            })
            .flat_map(Node::entries)
            .filter(move |entry| entry.value.get("Type").and_then(Node::text) == Some(kind))
    }

    fn resource(&self, name: &str) -> Option<&'a Node> {
        let find = |section: &&'a Node| section.at(&["Resources", name]);
        self.sections.iter().find_map(find)
    }

    /// What a value comes to.
    ///
    /// # Errors
    /// With why it can't be known.
    pub(super) fn text(&self, node: &Node) -> Result<String, String> {
        self.value(node, 0)
    }

    fn value(&self, node: &Node, level: usize) -> Result<String, String> {
        if level > MOST_LEVELS {
            return Err("it leads to itself".to_owned());
        }
        match &node.data {
            Data::Scalar(text) => known(text),
            Data::Map(entries) => match entries.as_slice() {
                [Entry { key, value, .. }] => self.function(key, value, level + 1),
                _ => Err("it is a table where a text is wanted".to_owned()),
            },
            Data::Null => Err("it is empty".to_owned()),
            Data::List(_) => Err("it is a list where a text is wanted".to_owned()),
        }
    }

    fn function(&self, name: &str, argument: &Node, level: usize) -> Result<String, String> {
        match name {
            "Ref" => match argument.text() {
                Some(name) => self.reference(name, level),
                None => Err("`Ref` names nothing".to_owned()),
            },
            "Fn::GetAtt" => self.attribute(argument, level),
            "Fn::Sub" => self.substitute(argument, level),
            "Fn::Join" => self.join(argument, level),
            name => Err(format!("what `{name}` comes to is not known here")),
        }
    }

    fn reference(&self, name: &str, level: usize) -> Result<String, String> {
        match name {
            "AWS::Region" => return Ok(self.region.to_owned()),
            "AWS::URLSuffix" => return Ok("amazonaws.com".to_owned()),
            "AWS::StackName" => return Ok(self.stack.to_owned()),
            _ => {}
        }
        let parameter = |section: &&'a Node| section.at(&["Parameters", name, "Default"]);
        if let Some(default) = self.sections.iter().find_map(parameter) {
            return self.value(default, level + 1);
        }
        match self.bucket(name) {
            Some(bucket) => self.name_of(name, bucket, level),
            None => Err(format!(
                "what `{name}` comes to is only known once the stack is there"
            )),
        }
    }

    fn bucket(&self, name: &str) -> Option<&'a Node> {
        let bucket = self.resource(name)?;
        (bucket.get("Type")?.text() == Some("AWS::S3::Bucket")).then_some(bucket)
    }

    fn name_of(&self, resource: &str, bucket: &Node, level: usize) -> Result<String, String> {
        match bucket.at(&["Properties", "BucketName"]) {
            Some(name) => self.value(name, level + 1),
            None => Err(format!(
                "the bucket `{resource}` has no `BucketName`: CloudFormation makes one up"
            )),
        }
    }

    /// `[resource, attribute]`, or both with a dot between them.
    fn attribute(&self, argument: &Node, level: usize) -> Result<String, String> {
        let joined = match argument.text() {
            Some(text) => text.to_owned(),
            None => argument
                .list()
                .iter()
                .filter_map(Node::text)
                .collect::<Vec<_>>()
                .join("."),
        };
        let (resource, attribute) = joined.split_once('.').unwrap_or((&joined, ""));
        let Some(bucket) = self.bucket(resource) else {
            return Err(format!(
                "what `{joined}` comes to is only known once the stack is there"
            ));
        };
        let (name, region) = (self.name_of(resource, bucket, level)?, self.region);
        match attribute {
            "DomainName" => Ok(format!("{name}.s3.amazonaws.com")),
            "RegionalDomainName" => Ok(format!("{name}.s3.{region}.amazonaws.com")),
            "WebsiteURL" => Ok(format!("http://{name}.s3-website-{region}.amazonaws.com")),
            _ => Err(format!("what `{joined}` comes to is not known here")),
        }
    }

    /// A text with `${…}`, or a list of that and a table of values.
    fn substitute(&self, argument: &Node, level: usize) -> Result<String, String> {
        let (text, own) = match argument.list() {
            [text, own] => (text.text(), Some(own)),
            _ => (argument.text(), None),
        };
        let mut rest = text.ok_or("`Fn::Sub` has no text")?;
        let mut out = String::new();
        while let Some((before, variable)) = rest.split_once("${") {
            let (name, after) = variable.split_once('}').ok_or("a `${` has no end")?;
            out.push_str(before);
            match (name.strip_prefix('!'), own.and_then(|own| own.get(name))) {
                (Some(literal), _) => out.push_str(&format!("${{{literal}}}")),
                (None, Some(value)) => out.push_str(&self.value(value, level + 1)?),
                (None, None) if name.contains('.') => {
                    out.push_str(&self.attribute(&Node::scalar(0, name), level)?);
                }
                (None, None) => out.push_str(&self.reference(name, level)?),
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn join(&self, argument: &Node, level: usize) -> Result<String, String> {
        let [between, parts] = argument.list() else {
            return Err("`Fn::Join` takes a text and a list".to_owned());
        };
        let parts = parts.list().iter().map(|part| self.value(part, level + 1));
        let parts: Result<Vec<_>, _> = parts.collect();
        Ok(parts?.join(between.text().unwrap_or("")))
    }
}

/// A text that has no variable left.
fn known(text: &str) -> Result<String, String> {
    match text.find("${") {
        None => Ok(text.to_owned()),
        Some(at) => {
            let variable: String = text[at..].chars().take(80).collect();
            let end = variable.find('}').map_or(variable.len(), |end| end + 1);
            Err(format!("`{}` can't be known here", &variable[..end]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    #[test]
    fn functions_come_to_what_is_known() {
        let resources = "
resources:
  - Parameters: { Host: { Type: String, Default: www.example.com } }
  - Resources:
      Site: { Type: AWS::S3::Bucket, Properties: { BucketName: !Sub '${AWS::StackName}-site' } }
      Other: { Type: AWS::S3::Bucket }
      Api: { Type: AWS::ApiGateway::RestApi }
";
        for (value, expected) in [
            ("text", Ok("text")),
            ("!Ref Host", Ok("www.example.com")),
            ("!Ref AWS::Region", Ok("eu-west-1")),
            ("!Ref Site", Ok("shop-dev-site")),
            (
                "{ 'Fn::GetAtt': [Site, DomainName] }",
                Ok("shop-dev-site.s3.amazonaws.com"),
            ),
            (
                "!GetAtt Site.RegionalDomainName",
                Ok("shop-dev-site.s3.eu-west-1.amazonaws.com"),
            ),
            (
                "!Sub '${Site.DomainName}/${!x}'",
                Ok("shop-dev-site.s3.amazonaws.com/${x}"),
            ),
            (
                "!Sub ['${a}-${Host}', { a: !Ref Site }]",
                Ok("shop-dev-site-www.example.com"),
            ),
            (
                "!Join ['.', [a, !Ref AWS::Region, !Ref AWS::URLSuffix]]",
                Ok("a.eu-west-1.amazonaws.com"),
            ),
            ("!Ref Api", Err("only known once the stack is there")),
            ("!GetAtt Api.Id", Err("only known once the stack is there")),
            ("!Ref Other", Err("CloudFormation makes one up")),
            (
                "!ImportValue x",
                Err("what `Fn::ImportValue` comes to is not known here"),
            ),
            ("!If [a, b, c]", Err("what `Fn::If` comes to")),
            ("'${ssm:/a/b} x'", Err("`${ssm:/a/b}` can't be known here")),
            ("~", Err("it is empty")),
            ("[a]", Err("it is a list")),
        ] {
            let tree = yaml::parse(&format!("{resources}\nvalue: {value}\n")).unwrap();
            let template = Template::of(&tree, "eu-west-1", "shop-dev");
            let got = template.text(&tree.entry("value").unwrap().value);
            match expected {
                Ok(text) => assert_eq!(got.as_deref(), Ok(text), "{value}"),
                Err(part) => assert!(
                    got.as_ref().is_err_and(|why| why.contains(part)),
                    "{value}: {got:?}"
                ),
            }
        }
    }
}
