<?php
// scandir() hands a directory on as the host lists it.
echo json_encode(scandir('/home'));
