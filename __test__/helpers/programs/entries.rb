# Ruby hands a directory on as the host lists it.
p Dir.entries("/home").sort
p Dir.children("/home").sort
p Dir.each_child("/home").sort
